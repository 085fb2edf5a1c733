"""`numpygan export`: the weights of a run's generator or discriminator, for PyTorch."""
from pathlib import Path

from .. import weights
from .options import Misuse
from .outputs import check_file
from .run import Run
from .trainset import Described


def export(folder: str, network: str, out: str) -> int:
    """Write the `state_dict` of "G" or "D" to a .npz file and print the PyTorch network that it fits.

    Where the data was scaled to [−1, 1] for the training, the way back from there is printed, too.

    Of a run with an averaged generator, the averaged one, as for samples. Misuse for another ending, when there is no
    such run, or for a layer that PyTorch does not have; CheckpointError when its files are damaged.
    """
    if Path(out).suffix.lower() != ".npz":
        raise Misuse(f"--out {out} is no .npz file: choose that ending")
    check_file(out, "--out")
    run = Run.open(folder)
    original = Described.of(run).original
    state = run.load()
    net = state.gan.D if network == "D" else state.generator
    try:
        module = weights.sequential(net)
    except ValueError as error:
        raise Misuse(f"{network} cannot be told to PyTorch: {error}") from error
    weights.export(net, out)
    print(f"{out}\n{network} = {module}")
    print(f"{network}.load_state_dict({{k: torch.from_numpy(v) for k, v in np.load({str(out)!r}).items()}})")
    if network == "G" and original is not None:
        low, high = original
        print(f"{low!r} + (G(z).double() + 1) / 2 * {high - low!r} brings its samples to the range of the data")
    return 0
