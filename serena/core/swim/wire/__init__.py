"""The bytes of memberlist's wire: messages, datagrams, streams."""
