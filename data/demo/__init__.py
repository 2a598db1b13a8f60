"""The page that runs networks in a browser, and what builds it."""
