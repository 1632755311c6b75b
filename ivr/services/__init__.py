"""What a caller can ask for. Each room hands out ``Service`` records (``ivr.flow.service``) over a store or a feed."""
