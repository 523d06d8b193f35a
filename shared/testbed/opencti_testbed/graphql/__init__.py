"""The GraphQL API that the platform's client speaks.

Documents are parsed by graphql-core. Root fields go to resolvers, registered by family; what a resolver returns
is projected onto the selection. A newer client selects fields that this platform does not have: an unknown root
field is refused, an unknown field of a known type answers null and is logged once.
"""
