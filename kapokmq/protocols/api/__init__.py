"""The HTTP API, `/api/v1`: JSON in and out, real statuses. docs/api.md tells people, `openapi.json` tells programs."""
