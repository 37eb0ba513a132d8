"""What a model begins with: another entry's model, or one of the store, and whether that has seen what is tested here.

The builder imports it. Start with `find`.
"""
