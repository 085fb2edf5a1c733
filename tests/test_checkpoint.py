"""A GAN in a file and back: every bit of it, nothing else, and nothing on a stranger's word."""
import base64
import inspect
import io
import json
import os
import sys
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest

import numpygan as ng
from numpygan import archive, checkpoint, files
from numpygan.archive import CheckpointError
from numpygan.schedule import Exponential, LinearDecay, Ramp

OPTIMISERS = {
    "sgd": lambda: ng.optim.SGD(1e-2), "momentum": lambda: ng.optim.Momentum(1e-2, 0.8),
    "rmsprop": lambda: ng.optim.RMSProp(1e-3, rho=0.95), "adam": lambda: ng.optim.Adam(1e-3, 0.5, 0.99, clip=0.3)}
POINTS = np.random.default_rng(9).normal(size=(50, 2)).astype(np.float32)


def make(opt="adam", dtype=np.float32, engine="numpy", **settings):
    """A small GAN with a layer of every kind that draws, remembers or has arguments."""
    rng = np.random.default_rng(1)
    G = ng.Network([ng.Dense(6, init=ng.init.normal(0.5)), ng.BatchNorm(), ng.Tanh(), ng.Dense(2, bias=False)], 3,
                   rng=rng, dtype=dtype, engine=engine)
    D = ng.Network([ng.Dense(8, init=ng.init.uniform(0.3)), ng.Maxout(2), ng.Dropout(0.25), ng.Dense(6),
                    ng.LeakyReLU(0.1), ng.Dense(1, init=ng.init.glorot)], 2, rng=rng, dtype=dtype, engine=engine)
    settings.setdefault("loss", ng.losses.NonSaturating(0.9))
    return ng.GAN(G, D, opt_G=OPTIMISERS[opt](), opt_D=OPTIMISERS[opt](), **settings)


def everything(gan):
    """Every number that a GAN holds, as bytes by name."""
    held = {"G.theta": gan.G.theta.tobytes(), "D.theta": gan.D.theta.tobytes(),
            "G.state": gan.G.state.tobytes(), "D.state": gan.D.state.tobytes()}
    for name, opt in (("opt_G", gan.opt_G), ("opt_D", gan.opt_D)):
        held |= {f"{name}.{k}": v.tobytes() for k, v in opt.moments.items()} | {f"{name}.t": opt.t}
    return held | {c: gan.history[c].tobytes() for c in gan.history.columns} | {"position": gan.position}


@pytest.fixture
def saved(tmp_path):
    """A checkpoint in mid-epoch, and the arrays in it."""
    gan, rng = make(), np.random.default_rng(5)
    gan.fit(POINTS, steps=5, batch=16, rng=rng)
    gan.save(tmp_path / "a.npz", rng)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        return tmp_path / "a.npz", dict(file)


@pytest.mark.parametrize("width", [1, np.float32(0.25)])
def test_an_initialisation_whose_width_is_no_float_comes_back(width, tmp_path):
    """JSON has no float32, and it reads 1.0 that was written as 1 as a whole number."""
    layers = [ng.Dense(2, init=ng.init.uniform(width)), ng.Dense(2, init=ng.init.normal(width))]
    rng = np.random.default_rng(0)
    gan = ng.GAN(ng.Network(layers, 2, rng=rng, engine="numpy"), ng.MLP([2, 1], rng=rng, engine="numpy"))
    gan.save(tmp_path / "a.npz")
    assert repr(ng.GAN.load(tmp_path / "a.npz").G.layers) == repr(layers)


def rewrite(path, arrays, **meta):
    """The same checkpoint with other arrays or another description, and a checksum that agrees with them."""
    arrays = {k: v for k, v in arrays.items() if k != archive.CHECKSUM}
    if meta:
        described = json.loads(arrays["meta"].tobytes()) | meta
        described = {k: v for k, v in described.items() if v != "absent"}
        arrays["meta"] = np.frombuffer(json.dumps(described).encode(), np.uint8)
    archive.write(path, arrays)


def refuses(path, words, **options):
    with pytest.raises(CheckpointError, match=words) as error:
        checkpoint.load(path, ng.GAN, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ------------------------------------------------------------------------------------------------- round trips

@pytest.mark.parametrize("opt", OPTIMISERS)
def test_a_loaded_gan_holds_the_same_bits(opt, dtype, tmp_path):
    gan, rng = make(opt, dtype, loss=ng.losses.Minimax(), noise="uniform", simultaneous=True,
                    input_noise=0.1), np.random.default_rng(2)
    gan.fit(POINTS, steps=4, batch=16, rng=rng)
    gan.save(tmp_path / "a.npz", rng)
    loaded = ng.GAN.load(tmp_path / "a.npz")
    assert everything(loaded) == everything(gan)
    assert [repr(x) for x in (loaded.G, loaded.D, loaded.opt_G, loaded.opt_D, loaded.loss)] == \
           [repr(x) for x in (gan.G, gan.D, gan.opt_G, gan.opt_D, gan.loss)]
    assert (loaded.noise, loaded.simultaneous, loaded.input_noise) == ("uniform", True, 0.1)
    z = np.random.default_rng(3)
    assert loaded.sample(7, z).tobytes() == gan.sample(7, np.random.default_rng(3)).tobytes()


@pytest.mark.parametrize("loss", [ng.losses.LeastSquares(), ng.losses.Hinge(), ng.losses.Wasserstein(),
                                  ng.losses.NonSaturating(0.8, 0.1, flip=0.05, label_noise=0.2)], ids=repr)
def test_every_loss_and_penalty_comes_back(loss, tmp_path):
    rng = np.random.default_rng(0)
    gan = ng.GAN(ng.MLP([2, 2], rng=rng, engine="numpy"), ng.MLP([2, 3, 1], rng=rng, engine="numpy"), loss,
                 penalties=[ng.penalties.R1(0.3), ng.penalties.R2(0.2), ng.penalties.GradientPenalty(7.0)])
    gan.save(tmp_path / "a.npz")
    loaded = ng.GAN.load(tmp_path / "a.npz")
    assert repr(loaded.loss) == repr(gan.loss)
    assert repr(loaded.penalties) == repr(gan.penalties)


@pytest.mark.parametrize(("data", "options"), [
    (POINTS, {"batch": 16}), (POINTS, {"batch": 16, "k": 3}), (ng.data.ring(), {"batch": 16})],
    ids=["finite, in mid-epoch", "k = 3", "endless"])
def test_going_on_from_a_file_gives_the_bits_of_never_having_stopped(data, options, tmp_path):
    whole, rng = make(), np.random.default_rng(5)
    whole.fit(data, steps=11, rng=rng, **options)
    part, rng = make(), np.random.default_rng(5)
    part.fit(data, steps=6, rng=rng, **options)
    part.save(tmp_path / "a.npz", rng)
    rng = np.random.default_rng()
    loaded = ng.GAN.load(tmp_path / "a.npz", rng=rng)
    loaded.fit(data, steps=5, rng=rng, **options)
    assert everything(loaded) == everything(whole)


@pytest.mark.parametrize("kind", checkpoint.GENERATORS)
def test_the_state_of_every_generator_comes_back(kind, tmp_path):
    rng = np.random.Generator(getattr(np.random, kind)(7))
    rng.standard_normal(5, dtype=np.float32)                  # half a word is left over in some of them
    make().save(tmp_path / "a.npz", rng)
    again = np.random.Generator(getattr(np.random, kind)(8))
    ng.GAN.load(tmp_path / "a.npz", rng=again)
    assert again.integers(2**63, size=20).tolist() == rng.integers(2**63, size=20).tolist()
    assert checkpoint.load(tmp_path / "a.npz", ng.GAN).rng is not None


def test_a_generator_of_another_kind_is_refused(tmp_path):
    make().save(tmp_path / "a.npz", np.random.Generator(np.random.PCG64(0)))
    make().save(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="holds the state of a PCG64, not of a Philox"):
        ng.GAN.load(tmp_path / "a.npz", rng=np.random.Generator(np.random.Philox(0)))
    with pytest.raises(ValueError, match="holds no random state"):
        ng.GAN.load(tmp_path / "b.npz", rng=np.random.default_rng(0))
    with pytest.raises(TypeError, match="rng must be"):
        ng.GAN.load(tmp_path / "a.npz", rng=3)


def test_every_argument_of_a_gan_is_saved():
    """An argument that is added to GAN one day must reach the file, or this fails."""
    assert set(inspect.signature(ng.GAN).parameters) <= checkpoint.KEYS


def test_extra_arrays_come_back_and_the_engine_can_be_chosen(tmp_path):
    extra = {"mean": np.arange(6.0).reshape(2, 3), "empty": np.zeros((0, 4), np.float32)}
    checkpoint.save(tmp_path / "a.npz", make(), extra=extra)
    back = checkpoint.load(tmp_path / "a.npz", ng.GAN, engine="numpy")
    assert back.rng is None
    assert back.gan.G.engine == "numpy"
    assert {k: (v.shape, v.dtype, v.tobytes()) for k, v in back.extra.items()} == \
           {k: (v.shape, v.dtype, v.tobytes()) for k, v in extra.items()}


def test_numpy_alone_can_open_it(saved):
    path, arrays = saved
    assert arrays["G.theta"].shape == (3 * 6 + 6 + 2 * 6 + 6 * 2,)
    assert arrays["history"].shape == (5, 6)


# ------------------------------------------------------------------------------------------------ older formats

# A file of format 1 as its first version wrote it: MLP([1, 1]) twice, four steps on six rows in batches of four.
FORMAT_1 = zlib.decompress(base64.b85decode(
    'c-qZYU1%It6rPy2NfW_B1*IZxrpTJIS>|tNXJXQcc4-2!VT-M`*07mmZ+0in&I~iN(KKC2eW>k&)Ss3<32C(;wNkJN6(Tf>*cVZs{2_)$w1J'
    'u+@xe$7A>MOmHr?5-P>je<*xY;1eBV9yJNMjkC)r)Qp@s6ECaU@AZ=_ZKsiz*Ka>!MqhBZ<{ZJ}P<;Gv4`J3agNBoEe5!_;Uvjhq2H+!_iW$'
    '+O`|C_HG|uB{p=(@rC>?^bmOVY`!6EriEUunZ?gnj@h?=-)mKqcrxCQ(d|>#7082k<VEp8P&i;nu)SehQ`KDJQ}6bDb4UvX?Mgz02$Ox)#W('
    '=AtR$1#7O1<ldg^++rg$oqx68TI?$yP$Z!z6Rqc#JCVp8<yIFr`&Cp;ebVfIA(*;<+rUJ~h^QchhEnrKcx|XAxjz?UZv&S@^Ro%R;x|)#*%x'
    'xo8Pw8qu(!oKL!S4pum(ZGt@l3jAtqsVllwoQP@@xfgYFcipGwAiHw3-Vz(`}EyFdQr#Cm~A=F@MC7ku1v)E(<s;YGEXp9z+X8KZ*arkA)0X'
    'cQr(|rxy~@7mPbNJ$0IFhLv|qBY|y>mdop|Y9KQY)Islr(3a_Fu4Y1l91<cSQ5IyGXXAWKjtOxt#tLF2#DN<dZxCqc*W6SF83^y033BM<u1-'
    '+^ua2v_h+v96mX~-*l;SMIvhf%bV<d)=VzSI}*oDY)yeu-<2U+m|;AMf68BUUgxXg<}oaI<x;KhiXfdBKnC<y`&VaTdZDz6!k!(IZy0A&y?N'
    's42?yvUGv4VZd9XOL)-1jL)<ry@=ZI3p=YHLnL5Mn}9zrZOJV?|0I@g=C<1J-@@aRjgf&xOR0$-E2wuI_?9DZN>7{HYnUv`Qp}ByP$ks9tyX'
    '=|MA||popd~PE3}HNL06o&(2>{-ek^B21VSzbL+NJ5#-26bJZ&1@$HQ}Ter7e4T_k5c=q(&B8IC~#JMfc$hi+5don2EEHlwmE+SFAJHbsYw='
    'bProC=Cq=&7~t7E!f3@zu})*}V8xJSbxEyCuC;L{@Wfy&frw=&134#r7XWNcSWH?v3@yXuwP8yKw1G1-H|}zIkZJS66-}<N4+5%CBeMUTQo!'
    'p-eYV)LuDw6YL#{&sU(Oy8gOB@W<+YfVQt|*PJq4u<Cw0@uTue_T(?0>?Qc=p;vDaT;evtPhVTTPWV^a=9GoS$avS8ua)LMhIV9mZ~kM4mkI'
    '9Fd-L8pJbd4gZF9<VGy9aE&?#l&!>KnOxVfMNga7E^*%yn!Z@|IFk>X-vG4|s=Zk+lLK5Y4QXHdh1JrD68?SG`>-7jyqo)>3k+Q;%oFJ7I!G'
    '1ff%`sCDs-;>=n_qEgpKic7=9DeoGoo9^XQt=bMoCVkAasSvf23Visc}gzNaw1$&m5E0;Ql%GGIT5af%EaB9sM1TKoCu}3GO@9aDlN?AL@0l'
    'iiQoFfL}iaqaw-!~*HfhhsGJDL9L_NOg2Wd#Q>BN#oCqm8?k8bGfcQNg-bvVG_r^_N-;DoOu#?Ng%iltYZ({'))


def test_a_file_of_format_1_is_read_and_gone_on_with(tmp_path):
    (tmp_path / "a.npz").write_bytes(FORMAT_1)
    with np.load(tmp_path / "a.npz") as file:
        arrays = dict(file)
    meta, rng = json.loads(arrays["meta"].tobytes()), np.random.default_rng()
    assert (meta["format"], "steps" in meta) == (1, False)
    gan = ng.GAN.load(tmp_path / "a.npz", rng=rng)
    assert (len(gan.history), gan.position, gan.opt_D.t) == (4, (4, meta["position"][1], 2), 4)
    for name, value in {"G.theta": gan.G.theta, "D.theta": gan.D.theta, "history": gan.history.rows(),
                        **{f"opt_G.{k}": v for k, v in gan.opt_G.moments.items()}}.items():
        assert value.tobytes() == arrays[name].tobytes(), name
    gan.fit(np.linspace(-1, 1, 6, dtype=np.float32)[:, None], steps=2, batch=4, rng=rng)
    gan.save(tmp_path / "b.npz", rng)
    assert checkpoint.load(tmp_path / "b.npz", ng.GAN).format == checkpoint.FORMAT == 2
    assert len(ng.GAN.load(tmp_path / "b.npz").history) == 6


def test_later_files_of_format_1_tell_their_steps(saved):
    path, arrays = saved
    rewrite(path, arrays, format=1)
    assert len(ng.GAN.load(path).history) == 5
    rewrite(path, arrays, format=1, steps=4)
    refuses(path, "a history of 4 steps keeps 4 rows, and these are 5")


# --------------------------------------------------------------------------------- classes of the user's own

class Scale(ng.Layer):
    """y = a x"""
    def __init__(self, a):
        self.a = a

    def forward(self, p, x, c):
        return x * x.dtype.type(self.a), None

    def backward(self, p, cache, dy, c):
        return dy * dy.dtype.type(self.a), {}


class Tanh(Scale):
    """Not the package's, in spite of its name."""


class Keeper(Scale):
    def __init__(self, a):
        super().__init__(a)
        del self.a


class Many(Scale):
    def __init__(self, *a):
        super().__init__(a[0])


def gan_with(layer):
    rng = np.random.default_rng(0)
    return ng.GAN(ng.Network([ng.Dense(2), layer], 2, rng=rng, engine="numpy"), ng.MLP([2, 1], rng=rng, engine="numpy"))


@pytest.mark.parametrize("cls", [Scale, Tanh])
def test_a_layer_of_ones_own_is_loaded_with_its_class(cls, tmp_path):
    gan = gan_with(cls(2.5))
    gan.save(tmp_path / "a.npz")
    name = cls.__name__
    refuses(tmp_path / "a.npz", rf"layer {name}, which is not the package's: load it with own=\[{name}\]")
    loaded = ng.GAN.load(tmp_path / "a.npz", own=[cls])
    assert type(loaded.G.layers[1]) is cls
    z = np.ones((3, 2), np.float32)
    assert loaded.G(z).tobytes() == gan.G(z).tobytes()


@pytest.mark.parametrize(("layer", "words"), [
    (Keeper(1.0), "does not keep it; store it as self.a"), (Many(1.0), r"takes \*a"),
    (Scale(np.ones(2)), "a of Scale is ndarray"), (Scale(float("inf")), "a of Scale is float inf"),
    (Scale(abs), "a of Scale is a function")], ids=lambda x: type(x).__name__ if isinstance(x, ng.Layer) else "")
def test_what_a_file_cannot_hold_is_said_when_saving(layer, words, tmp_path):
    with pytest.raises(CheckpointError, match=words):
        gan_with(layer).save(tmp_path / "a.npz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("of_steps", [LinearDecay(0.5, 9, 0.1), Exponential(0.5, 1.1), Ramp(0.1, 0.5, 9)], ids=repr)
def test_every_schedule_of_the_package_comes_back(of_steps, tmp_path):
    gan = make(input_noise=of_steps)
    gan.opt_D = ng.optim.Momentum(of_steps, momentum=of_steps)
    gan.save(tmp_path / "a.npz")
    loaded = ng.GAN.load(tmp_path / "a.npz")
    assert [repr(s) for s in (loaded.input_noise, loaded.opt_D.lr, loaded.opt_D.momentum)] == 3 * [repr(of_steps)]


class Plain:
    def step(self, net, g):
        net.theta = net.theta - 0.1 * g


class Undeclared(ng.optim.SGD):
    """Keeps a moment that it does not name in `vectors`."""
    def _update(self, ops, theta, g, lr):
        self.moments["last"] = g
        return super()._update(ops, theta, g, lr)


@pytest.mark.parametrize(("opt", "words"), [
    (Plain(), "opt_G is a Plain, and a file holds optimisers that tell what they keep: derive it from numpygan.optim."),
    (Undeclared(0.1), r"opt_G, a Undeclared, keeps the moments \['last'\] after 1 steps and declares \[\]: name all")])
def test_an_optimiser_of_which_load_could_not_tell_is_refused_when_saving(opt, words, tmp_path):
    """The one ended in an AttributeError; the other in a file that `load` refused, with the run in it."""
    mlp = [ng.MLP([2, n], rng=np.random.default_rng(0), engine="numpy") for n in (2, 1)]
    gan = ng.GAN(*mlp, opt_G=opt)
    gan.fit(np.zeros((8, 2)), steps=1, batch=8, rng=np.random.default_rng(0))
    with pytest.raises(CheckpointError, match=words):
        gan.save(tmp_path / "a.npz")
    assert os.listdir(tmp_path) == []


def test_a_function_of_the_step_cannot_be_saved_and_the_message_says_so(tmp_path):
    gan = make()
    gan.opt_D = ng.optim.Adam(lambda step: 1e-3)
    with pytest.raises(CheckpointError, match="lr of Adam is a function.*set the function again after loading"):
        gan.save(tmp_path / "a.npz")
    gan = make(input_noise=lambda step: 0.1)
    with pytest.raises(CheckpointError, match="input_noise is a function"):
        gan.save(tmp_path / "a.npz")


def test_an_initialisation_of_ones_own_is_not_needed_again(tmp_path):
    def ones(W, rng):
        W[...] = 1
    rng = np.random.default_rng(0)
    G = ng.Network([ng.Dense(2, init=ones)], 2, rng=rng, engine="numpy")
    gan = ng.GAN(G, ng.MLP([2, 1], rng=rng, engine="numpy"))
    gan.save(tmp_path / "a.npz")
    assert ng.GAN.load(tmp_path / "a.npz").G.theta.tolist() == [1, 1, 1, 1, 0, 0]


def test_parameters_that_are_not_numbers_are_not_saved(tmp_path):
    gan = make()
    gan.save(tmp_path / "a.npz")
    before = (tmp_path / "a.npz").read_bytes()
    gan.D.theta = np.full_like(gan.D.theta, np.nan)
    with pytest.raises(CheckpointError, match="D.theta holds NaN or infinity"):
        gan.save(tmp_path / "a.npz")
    assert (tmp_path / "a.npz").read_bytes() == before


# ----------------------------------------------------------------------------------------- files from strangers

@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.7, 0.99, 0.9999])
def test_a_truncated_file_is_refused(share, saved):
    path, _ = saved
    whole = path.read_bytes()
    path.write_bytes(whole[:int(share * len(whole))])
    refuses(path, "damaged|truncated|claims")


def flip_bytes(path, trials):
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    reference = everything(ng.GAN.load(path))
    for _ in range(trials):
        changed = bytearray(whole)
        for i in rng.integers(len(whole), size=rng.integers(1, 4)):
            changed[i] ^= 1 << rng.integers(8)
        path.write_bytes(changed)
        try:
            found = everything(ng.GAN.load(path))
        except CheckpointError as error:
            found = reference if str(path) in str(error) else f"no word about the file in {error}"
        assert found == reference                        # a byte that carries nothing, such as a date, may change


def test_changed_bytes_are_refused_or_carry_nothing(saved):
    flip_bytes(saved[0], 50)


@pytest.mark.slow
def test_changed_bytes_are_refused_or_carry_nothing_2000_times(saved):
    flip_bytes(saved[0], 2000)


def header(shape, dtype="<f4"):
    """A .npy header that claims this shape."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def peak(function):
    """The most memory that Python and NumPy had in use meanwhile, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(25_000_000_000,), (2**40, 2**40), (2**63,), (-1,)], ids=str)
def test_a_header_that_claims_100_gb_takes_no_memory(shape, saved):
    path, _ = saved
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("extra.big.npy", header(shape))
    assert peak(lambda: refuses(path, "claims that 'extra.big.npy' has shape")) < 5e6


def test_a_header_whose_shape_is_no_number_is_refused(saved):
    path, _ = saved
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("extra.big.npy", header((True,), "|u1") + b"0")
    refuses(path, "is damaged or no checkpoint")


def test_a_packed_bomb_is_not_unpacked(saved):
    path, _ = saved
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("extra.big.npy", header((2**26,), "|u1") + bytes(2**26), zipfile.ZIP_DEFLATED)
    assert peak(lambda: refuses(path, "packed, and checkpoints are not")) < 5e6


@pytest.mark.parametrize("width", [10**9, 2**62, 10**30], ids=str)
def test_an_architecture_that_claims_too_much_takes_no_memory(width, saved):
    path, arrays = saved
    D = json.loads(arrays["meta"].tobytes())["D"]
    D["layers"][0]["args"]["width"] = width
    rewrite(path, arrays, D=D)
    assert peak(lambda: refuses(path, "holds 'D.theta' as float32 of shape")) < 5e6


def test_python_objects_are_never_unpickled(tmp_path, saved):
    path, arrays = saved
    np.savez(path, **arrays | {"extra.x": np.array([{"a": 1}], dtype=object)})
    refuses(path, r"holds 'extra.x.npy' of type \|O")


@pytest.mark.parametrize(("meta", "words"), [
    ({"format": 3, "numpygan": "9.1"}, "format 3, written by numpygan 9.1.* this version, .*, reads formats 1 to 2: "
                                      "install a newer"),
    ({"format": 0}, "does not tell its format"),
    ({"format": True}, "does not tell its format"),
    ({"steps": None}, "how many steps"),
    ({"format": "1"}, "does not tell its format"),
    ({"surprise": 1}, "has the unknown key 'surprise'"),
    ({"opt_G": "absent"}, "lacks the key 'opt_G'"),
    ({"noise": "pink"}, "unknown noise 'pink'"),
    ({"noise": 3}, "whose noise is '3'"),
    ({"input_noise": "much"}, "whose input_noise is 'much'"),
    ({"position": [1, -2, 3]}, "position in the data"),
    ({"position": [1, 2]}, "position in the data"),
    ({"rng": {"bit_generator": "system"}}, "unknown random generator 'system'"),
    ({"rng": {"bit_generator": "PCG64", "state": 3}}, "a state that is none of PCG64"),
    ({"columns": ["loss_D"]}, "history of other columns"),
    ({"steps": 4}, "a history of 4 steps keeps 4 rows, and these are 5"),
    ({"steps": 2**62}, "a history of 4611686018427387904 steps keeps"),
    ({"steps": "5"}, "how many steps"),
    ({"loss": {"class": "Loss", "args": {}}}, "loss 'Loss', which this version"),
    ({"loss": {"class": "copy", "args": {}}}, "loss 'copy', which this version"),
    ({"loss": {"class": "NonSaturating", "args": {"real_label": 7}}}, "cannot be made.*targets"),
    ({"loss": {"class": "NonSaturating", "args": {"no": 7}}}, "cannot be made.*no"),
    ({"loss": {"class": "NonSaturating", "args": {}, "x": 1}}, "unknown key 'x' in a loss"),
    ({"loss": ["NonSaturating"]}, "describes a loss by"),
    ({"opt_D": {"class": "Adam", "args": {"lr": 0.1}, "t": -1}}, "does not tell the steps of opt_D"),
    ({"opt_D": {"class": "SGD", "args": {"lr": 0.1}, "t": 5}}, "unknown array 'opt_D.m'"),
    ({"opt_D": {"class": "RMSProp", "args": {"lr": 0.1}, "t": 5}}, "lacks the array 'opt_D.s'"),
    ({"G": {"d_in": 3}}, "does not describe G"),
    ({"G": {"d_in": True, "dtype": "float32", "engine": "numpy", "layers": []}}, "that no network has"),
    ({"G": {"d_in": 3, "dtype": "float32", "engine": "numpy", "layers": []}}, "holds 'G.theta'"),
    ({"G": {"d_in": 36, "dtype": "float64", "engine": "numpy", "layers": []}}, "holds 'G.theta'"),
    ({"penalties": [{"class": "Network", "args": {}}]}, "penalty 'Network', which this version|cannot be made"),
])
def test_a_description_that_is_wrong_is_refused_and_named(meta, words, saved):
    path, arrays = saved
    rewrite(path, arrays, **meta)
    refuses(path, words)


@pytest.mark.parametrize(("change", "words"), [
    (lambda a: a.pop("meta"), "no description of a GAN"),
    (lambda a: a.update(meta=np.frombuffer(b"[" * 99_999, np.uint8)), "not JSON"),
    (lambda a: a.update(meta=np.frombuffer(b"{", np.uint8)), "not JSON"),
    (lambda a: a.pop("D.theta"), "lacks the array 'D.theta'"),
    (lambda a: a.pop("G.state"), "lacks the array 'G.state'"),
    (lambda a: a.update({"opt_G.m": a["opt_G.m"][:-1]}), "holds 'opt_G.m'"),
    (lambda a: a.update({"G.theta": a["G.theta"].astype(float)}), "holds 'G.theta' as float64"),
    (lambda a: a.update({"G.theta": a["G.theta"] * np.float32(np.nan)}), "NaN or infinity in 'G.theta'"),
    (lambda a: a.update(history=a["history"][:, :5]), "holds 'history'"),
    (lambda a: a.update(other=np.ones(1)), "unknown array 'other'"),
])
def test_arrays_that_do_not_fit_are_refused_and_named(change, words, saved):
    path, arrays = saved
    change(arrays)
    rewrite(path, arrays)
    refuses(path, words)


def test_content_that_disagrees_with_the_checksum_is_refused(saved):
    path, arrays = saved
    arrays["G.theta"][0] += 1
    np.savez(path, **arrays)
    refuses(path, "does not agree with its own checksum")
    del arrays[archive.CHECKSUM]
    np.savez(path, **arrays)
    refuses(path, "does not agree with its own checksum")


def test_other_files_are_refused_and_missing_ones_are_missing(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    refuses(tmp_path / "text.npz", "damaged or no checkpoint")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("readme.txt", "hello")
    refuses(tmp_path / "a.zip", "'readme.txt', which does not belong")
    with pytest.raises(FileNotFoundError):
        checkpoint.load(tmp_path / "none.npz", ng.GAN)


# ------------------------------------------------------------------------------------------------- whole or not

class Refused(OSError):
    pass


@pytest.mark.parametrize("phase", ["open", "write", "fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(phase, saved, monkeypatch):
    path, _ = saved
    before = path.read_bytes()

    def fail(*_, **__):
        raise Refused(28, "No space left on device")
    if phase == "open":
        monkeypatch.setattr("builtins.open", fail)
    elif phase == "write":
        monkeypatch.setattr(np.lib.format, "write_array", fail)
    else:
        monkeypatch.setattr(os, phase, fail)
    with pytest.raises(Refused):
        make().save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


DYING = """
import builtins, os, numpy as np, numpygan as ng
path, rng = os.environ["FILE"], np.random.default_rng(0)
gan = ng.GAN(ng.MLP([2, 2], rng=rng, engine="numpy"), ng.MLP([2, 1], rng=rng, engine="numpy"))
real = {"open": builtins.open, "fsync": os.fsync, "replace": os.replace, "unlink": os.unlink}


def content(new=None):
    with real["open"](path, "rb" if new is None else "wb") as file:
        return file.read() if new is None else file.write(new)


class File:                                          # every write of it is an event, and can be half of itself
    def __init__(self, file): self.file = file
    def __getattr__(self, name): return getattr(self.file, name)
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, b):
        return event(lambda: self.file.write(b), lambda: (self.file.write(bytes(b)[:len(b) // 2]), self.file.flush()))


def event(act, half=lambda: None):
    # One more phase of the write: the process dies before it, half-way through it, or after it.
    global count
    count += 1
    if count == last:
        try:
            act() if moment == "after" else half() if moment == "half" else None
        finally:
            os._exit(9)
    return act()


def opened(name, mode="r", *more):
    return real["open"](name, mode, *more) if mode != "xb" else event(lambda: File(real["open"](name, mode, *more)))


import warnings; warnings.simplefilter("ignore", ResourceWarning)              # who dies closes nothing
builtins.open = opened
os.fsync = lambda f: event(lambda: real["fsync"](f))
os.replace = lambda a, b: event(lambda: real["replace"](a, b))
os.unlink = lambda *a, **k: event(lambda: real["unlink"](*a, **k))
before, last = content(), None
pid, count = os.fork(), 0
if pid == 0:                                         # a write that nothing disturbs, to count its phases
    gan.save(path)
    os._exit(count)
phases = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
after, told = content(), []
assert before != after
for last in [i for i in range(1, phases + 1) if i <= 3 or i % 4 == 0 or i > phases - 8]:     # most are alike: writes
    for moment in ("before", "half", "after"):
        content(before)
        pid, count = os.fork(), 0
        if pid == 0:
            gan.save(path)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        found = content()
        told.append("old" if found == before else "new" if found == after else "broken")
print(phases, *told)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
def test_a_process_that_dies_before_within_or_after_any_phase_of_a_write_leaves_a_whole_file(saved, python):
    """The old file up to the rename, the new one from then on; the phases are every open, write, fsync, rename, …"""
    path, _ = saved
    phases, *told = python(DYING, FILE=str(path)).split()
    assert int(phases) > 40
    assert len(told) > 3 * int(phases) // 4
    assert told == ["old"] * told.index("new") + ["new"] * (len(told) - told.index("new"))
    assert 3 <= told.count("new") <= 10
    files.sweep(path.parent, (path.name,))
    assert os.listdir(path.parent) == [path.name]
    ng.GAN.load(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files there")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(saved, python):
    path, _ = saved
    before = path.read_bytes()
    code = ("import os, resource, numpygan as ng\n"
            "gan = ng.GAN.load(os.environ['FILE'])\n"
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) // 2}, {len(before) // 2}))\n"
            "gan.save(os.environ['FILE'])\n")
    assert f"OSError: [Errno 27] File too large: '{path}'" in python(code, fails=True, FILE=str(path))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_two_files_of_the_same_gan_have_the_same_bytes(tmp_path):
    make().save(tmp_path / "a.npz")
    make().save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_file_has_the_usual_permissions_and_a_link_stays_a_link(tmp_path):
    (tmp_path / "plain").write_text("")
    (tmp_path / "link.npz").symlink_to("a.npz")
    make().save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "plain").stat().st_mode
