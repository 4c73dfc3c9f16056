"""Tests of the benchmark: what it computes and draws, and that it runs. No test here says how fast anything is."""
