"""Files over the wire: uploads inside GraphQL requests, the storage endpoints, the fields about files."""
