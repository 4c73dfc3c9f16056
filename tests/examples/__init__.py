"""The programs in examples/, as processes of their own."""
