"""What the scores on held-out users say, in words."""

from skbseq.cli._scoring import MOST_FREQUENT, choose, compare

_OTHERWISE = "try more users, other columns, or another horizon or lookback."


def describe_choice(found, titles):
    """Say which model ``--model auto`` keeps.

    Parameters
    ----------
    found : dict of str to ndarray of shape (n_users,)
        Log loss of each user, from the simplest to the most complex model.
    titles : dict of str to str

    Returns
    -------
    name : str
        Of a model that can be trained.
    text : str
    """
    name, best = choose(found)
    rule = (
        "It is the simplest whose log loss is within one standard error of the lowest"
        f"{_of_best(found, name, best, titles)}."
    )
    if name == MOST_FREQUENT:
        real = {each: values for each, values in found.items() if each != MOST_FREQUENT}
        name, _ = choose(real)
        rule = f"But nothing beats guessing here. Do not use this model; {_OTHERWISE}"
    return name, (
        f"Chosen: --model {name} ({titles[name]}). {rule}\nIts scores above are slightly "
        "optimistic, because the same users served to choose it."
    )


def _of_best(found, name, best, titles):
    if name == best:
        return ", its own"
    _, error = compare(found[name], found[best])
    return f", that of {titles[best]} (standard error {error:.3f})"


def describe_rivals(name, found, titles):
    """Say whether a model is worth using, and which is better.

    Parameters
    ----------
    name : str
        The model that was asked for.
    found : dict of str to ndarray of shape (n_users,)
        Log loss of each user, from the simplest to the most complex model.
    titles : dict of str to str

    Returns
    -------
    text : str
    advised : str or None
        A better model, or a simpler one that is as good.
    """
    chosen, _ = choose(found)
    if chosen == MOST_FREQUENT:
        return f"Nothing beats guessing here. Do not use this model; {_OTHERWISE}", None
    if chosen != name:
        return _advise(name, chosen, found, titles), chosen
    others = {each: values for each, values in found.items() if each != name}
    rival = min(others, key=lambda each: others[each].mean())
    gain, error = compare(found[rival], found[name])
    if gain <= error:  # the rival is as good, but this model is simpler
        return f"{titles[name]} is as good as any model here, and the simplest of these.", None
    return (
        f"{titles[name]} gains {gain:.3f} of log loss over the best other model "
        f"({titles[rival]}; standard error {error:.3f})."
    ), None


def _advise(name, chosen, found, titles):
    loss, error = compare(found[name], found[chosen])
    order = list(found)
    if loss > error:
        said = f"has {loss:.3f} less log loss (standard error {error:.3f})"
    elif order.index(chosen) < order.index(name):
        said = f"is simpler and as good (log loss within one standard error, {error:.3f})"
    else:
        said = "is within one standard error of the best model, and this is not"
    return (
        f"{titles[name]} gains nothing here: {titles[chosen]} {said}. Use that, with --model "
        f"{chosen}, or {_OTHERWISE}"
    )
