"""Losses as a sum and the weight it is to be divided by, so that parts of a batch add up to the batch."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from audiofeat._validation import as_choice


def loss_sums(
    logits: Tensor, target: Tensor, *, loss: str = "cross_entropy", class_weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Return the weighted sum of the items' losses and the sum of their weights; their ratio is the loss.

    With :math:`p` the softmax of the logits of an item, :math:`c` its class, :math:`C` classes:

    ``"cross_entropy"``
        :math:`-\log p_c`.
    ``"softmax_bce"``
        :math:`-\frac{1}{C} (\log p_c + \sum_{j \ne c} \log(1 - p_j))`: binary cross-entropy on a softmax, the mean over
        the outputs, as the KTH replication of 2020 trained. Keras keeps :math:`p` within 1e-7 of 0 and 1 for it; here
        the logarithms are exact, and finite for any logits that are not hundreds apart.

    Parameters
    ----------
    logits : Tensor, shape (batch, n_classes)
        What a network gives; computed with as float32 if of a shorter type.
    target : Tensor of int64, shape (batch,)
        Numbers of the classes.
    loss : {"cross_entropy", "softmax_bce"}
        Which loss.
    class_weights : Tensor or None, shape (n_classes,)
        Weight of an item by its class; None weighs all as 1.

    Returns
    -------
    total : Tensor, shape ()
        Weighted sum.
    weight : Tensor, shape ()
        Sum of the weights.

    Raises
    ------
    ValueError
        If the loss is unknown, or the logits are not of two classes at least.

    Examples
    --------
    >>> import torch
    >>> from audiofeat_nn.training import loss_sums
    >>> total, weight = loss_sums(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0]))
    >>> round(float(total / weight), 4)
    0.6931
    """
    as_choice(loss, "loss", ("cross_entropy", "softmax_bce"))
    if logits.ndim != 2 or logits.shape[1] < 2:
        msg = f"logits must be (batch, n_classes) of 2 classes at least, got shape {tuple(logits.shape)}"
        raise ValueError(msg)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    weights = logits.new_ones(len(target)) if class_weights is None else class_weights.to(logits)[target]
    if loss == "cross_entropy":
        items = functional.cross_entropy(logits, target, reduction="none")
    else:
        n_classes = logits.shape[1]
        log_all = logits.logsumexp(dim=1, keepdim=True)
        itself = torch.eye(n_classes, dtype=torch.bool, device=logits.device)
        # 1 - p_j as the sum of the others: a difference would be 0 where p_j is close to 1
        others = logits[:, None, :].masked_fill(itself, -torch.inf).logsumexp(dim=2)
        hit = functional.one_hot(target, n_classes).bool()
        items = -torch.where(hit, logits - log_all, others - log_all).mean(dim=1)
    return (items * weights).sum(), weights.sum()


def balanced_weights(target: Sequence[int], n_classes: int) -> Tensor:
    """Return class weights that give every class that is present the same total, as scikit-learn's "balanced".

    Parameters
    ----------
    target : sequence of int
        Numbers of the classes of all items.
    n_classes : int
        Number of classes.

    Returns
    -------
    Tensor of float32, shape (n_classes,)
        ``n_items / (n_present_classes * n_items_of_class)``; 1 for a class without items.

    Examples
    --------
    >>> from audiofeat_nn.training import balanced_weights
    >>> balanced_weights([0, 0, 0, 1], 2)
    tensor([0.6667, 2.0000])
    """
    counts = torch.bincount(torch.as_tensor(list(target)), minlength=n_classes).double()
    present = counts > 0
    weights = torch.ones(n_classes, dtype=torch.float64)
    weights[present] = len(target) / (present.sum() * counts[present])
    return weights.float()
