"""The training loop that both stages share (section 5.1)."""

from deocclude.training.config import TrainConfig, schedule
from deocclude.training.loop import train
from deocclude.training.task import Batch, TrainingTask

__all__ = ["Batch", "TrainConfig", "TrainingTask", "schedule", "train"]
