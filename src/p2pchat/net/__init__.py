"""Adapters between asyncio and the core: sockets, tasks, queues; they do not decide."""
