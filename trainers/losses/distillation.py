"""Knowledge distillation (Hinton et al. 2015; DMFT eq. 13-14): follow a teacher's softened probabilities."""

from __future__ import annotations

from torch import Tensor

from trainers.losses.precision import as_float32


def soft_divergence(student: Tensor, teacher: Tensor, temperature: float, *, scale: bool = True) -> Tensor:
    """KL(teacher || student) of softened probabilities, mean over the batch.

    Eq. 13 misplaces the temperature and eq. 14 swaps the sides; this is the usual form, softmax(h / T).

    Parameters
    ----------
    student, teacher
        Logits (B, K); the teacher's get no gradient.
    scale
        Multiply by the temperature squared.
    """
    soft = (as_float32(student) / temperature).log_softmax(-1)
    target = (as_float32(teacher.detach()) / temperature).log_softmax(-1)
    # as torch.nn.functional.kl_div, which torch.vmap would compute model by model
    divergence = (target.exp() * (target - soft)).sum() / len(soft)
    return divergence * temperature**2 if scale else divergence
