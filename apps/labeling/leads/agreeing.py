"""Agreement: how far annotators agree beyond chance, for leads."""

from collections import Counter
from itertools import combinations

import numpy as np

from tiltyard.apps.labeling.api.responses import AgreementTold
from tiltyard.apps.labeling.service.project import ServedProject
from tiltyard.labels.active_annotations import active_annotations, latest_labels
from tiltyard.labels.agreement import cohen_kappa, krippendorff_alpha
from tiltyard.labels.current_classes import rename_classes
from tiltyard.schemas.records import Vote


def agreement(served: ServedProject) -> AgreementTold:
    """Krippendorff's alpha over all, and Cohen's kappa of the two who share most samples; none where not defined."""
    voices = rename_classes(served.ledger.annotations.shared_voices(), served.project)
    alpha = krippendorff_alpha(voices, rng=np.random.default_rng(served.project.seed))
    two = busiest_pair(voices)
    kappa = cohen_kappa(voices, *two, rng=np.random.default_rng(served.project.seed)) if two else None
    return AgreementTold(
        samples=alpha.samples,
        alpha=alpha.value,
        low=alpha.low,
        high=alpha.high,
        kappa=kappa.value if kappa else None,
        kappa_of=list(two or ()),
        why=alpha.why,
    )


def busiest_pair(voices: list[Vote]) -> tuple[str, str] | None:
    """The two annotators who answered the most samples together; none where nobody shares one."""
    counts = Counter(
        pair for stand in active_annotations(voices).values() for pair in combinations(sorted(latest_labels(stand)), 2)
    )
    return counts.most_common(1)[0][0] if counts else None
