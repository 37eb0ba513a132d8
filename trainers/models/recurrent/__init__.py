"""What models that read patches one after the other are made of: an LSTM that passes over missing patches, and sums."""
