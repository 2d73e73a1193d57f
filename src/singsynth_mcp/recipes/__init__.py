"""Which tool after which, over any ToolCaller."""
