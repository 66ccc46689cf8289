"""Models are not fetched: what PyTorch's hub runs is a stranger's program, and there is no network here."""


def _refused(*args, **kwargs):
    raise RuntimeError("torch.hub is not there in Pullback: download the file yourself, and give its state to load_state_dict")


def load(repo_or_dir, model, *args, **kwargs):
    """Refused."""
    _refused()


def list(github, *args, **kwargs):
    """Refused."""
    _refused()


def help(github, model, *args, **kwargs):
    """Refused."""
    _refused()


def load_state_dict_from_url(url, *args, **kwargs):
    """Refused."""
    _refused()


def download_url_to_file(url, dst, *args, **kwargs):
    """Refused."""
    _refused()


def get_dir():
    """Where PyTorch keeps what it fetched."""
    import os

    home = os.environ.get("TORCH_HOME", os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch"))
    return os.path.join(os.path.expanduser(home), "hub")
