"""The faces of a node: WebSocket and HTTP. They know the Engine, never storage or services."""
