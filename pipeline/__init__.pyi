from pipeline.api.experiment import Experiment as Experiment
from pipeline.api.experiment import open_experiment as open
from pipeline.api.parts import loss as loss
from pipeline.api.parts import model as model
from pipeline.errors import ConfigError as ConfigError
from pipeline.errors import PipelineError as PipelineError
from pipeline.errors import StepError as StepError

__version__: str
__all__ = ["ConfigError", "Experiment", "PipelineError", "StepError", "__version__", "loss", "model", "open"]
