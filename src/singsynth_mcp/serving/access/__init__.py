"""Who may call over HTTP, as which tenant, how much, and what of it is written down."""
