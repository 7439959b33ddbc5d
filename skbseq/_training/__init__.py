"""Training and prediction of built networks: batches, compiled graphs, devices."""

from skbseq._training._compiled import have_room
from skbseq._training._devices import choose_device
from skbseq._training._loop import class_logits, train
from skbseq._training._program import borrow_program

__all__ = ["borrow_program", "choose_device", "class_logits", "have_room", "train"]
