import pytest

from deocclude.errors import DeoccludeError
from deocclude.people import BlazePose
from deocclude.people.model_files import MODEL_FILES, model_path


@pytest.fixture(scope="session")
def blazepose():
    """BlazePose with its real models, which `deocclude weights fetch` puts into the cache."""
    try:
        for name in MODEL_FILES:
            model_path(name)
    except DeoccludeError as error:
        pytest.skip(str(error))
    return BlazePose()


@pytest.fixture(scope="session")
def astronaut():
    return pytest.importorskip("skimage.data").astronaut()
