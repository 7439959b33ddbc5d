"""The table of losses, and the trainer class of each."""

from skbseq._training._contrast import ContrastLoss, ContrastTrainer
from skbseq._training._event_ends import EndLoss, EndTrainer
from skbseq._training._events import EventLoss, EventTrainer
from skbseq._training._losses import Loss
from skbseq._training._pretraining import PretrainingLoss, PretrainingTrainer
from skbseq._training._trainer import MirroredTrainer, Trainer

_TRAINERS = {
    Loss: Trainer,
    EventLoss: EventTrainer,
    EndLoss: EndTrainer,
    PretrainingLoss: PretrainingTrainer,
    ContrastLoss: ContrastTrainer,
}
_LOSSES = {kind: loss for loss in _TRAINERS for kind in loss.kinds}


def make_loss(fields):
    """Make a loss from its fields; ``kind`` selects the class."""
    return _LOSSES[fields["kind"]](**fields)


def trainer_class(loss, several):
    """Trainer class of a loss, on one device or on several."""
    return MirroredTrainer if several and loss.spreads else _TRAINERS[type(loss)]
