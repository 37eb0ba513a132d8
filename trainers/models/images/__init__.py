"""torchvision's networks on Gramian angular fields: VSKD's students."""
