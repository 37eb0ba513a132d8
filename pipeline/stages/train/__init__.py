"""Training on stored features: a model on labels, or a student on labels and a teacher."""
