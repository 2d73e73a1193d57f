"""From tools without MCP to MCP servers: the factory, results, jobs, resources, transports."""
