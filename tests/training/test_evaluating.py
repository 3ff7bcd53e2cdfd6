"""Networks that predict in the middle of their training."""

import pytest
import torch
from torch import nn

from deocclude.training.evaluating import evaluating


class Wrapped(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("wrap", [Wrapped, lambda network: network])
def test_predicts_without_gradients_and_goes_back(training, wrap):
    network = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).train(training)
    x = torch.ones(1, 3)
    with evaluating(wrap(network)) as inner:
        assert inner is network
        assert not inner(x).requires_grad
        torch.testing.assert_close(inner(x), network[0](x))
    assert network.training == network[1].training == training
    assert network(x).requires_grad


def test_goes_back_after_an_error_too():
    network = nn.Dropout()
    with pytest.raises(ZeroDivisionError), evaluating(network):
        raise ZeroDivisionError
    assert network.training
