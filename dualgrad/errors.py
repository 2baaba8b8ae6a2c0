"""Every exception a user of dualgrad can meet.

Each class subclasses the builtin that fits, so that `except TypeError` goes on working, and each message says what happened
(function, argument, shape), why, and what to write instead. The classes are described in docs/reference/errors.md.
"""


class NotScalarError(TypeError):
    """The transformation needs a function with one real number as its result, and this one returned something else."""


class NoRuleError(NotImplementedError):
    """A function that cannot be differentiated (or not with these parameters) was applied to a value being differentiated."""


class LeakedValueError(RuntimeError):
    """A value was used after the transformation that traced it had ended."""


class ConversionError(TypeError):
    """A traced value was about to become a plain number or array, which would have lost its derivative."""


class TreeError(ValueError):
    """Two containers that should have the same structure differ; the message names the path."""


class RuleError(RuntimeError):
    """A differentiation rule returned the wrong number of values, a wrong shape or a wrong dtype, or is not complete."""


class ProgramError(RuntimeError):
    """A recorded program does not hold for these arguments: a branch goes another way, or a shape or a static argument differs."""


class BatchLoopWarning(UserWarning):
    """`vmap` ran a function once per member of the batch: it has no batching rule, or its own code cannot run on a batch."""


class TransposeLoopWarning(UserWarning):
    """Reverse mode called a linear function once per number of its argument: nothing else tells what its transpose is."""


class PatternError(RuntimeError):
    """A sparsity pattern does not hold at the point at which it was used."""


class DensePatternWarning(UserWarning):
    """Nothing is known of the structure of a function, and the sparsity pattern is dense in all that it touches."""
