"""Binds tools to MCP: schemas, results, jobs, resources, transports."""
