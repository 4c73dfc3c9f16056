"""KapokMQ carries messages: a durable message queue whose wire is plain JSON over WebSocket."""

__version__ = "0.1.0"
