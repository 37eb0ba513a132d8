"""Taking code that changes no value: a part is computed again, compared, and noted in the lock."""
