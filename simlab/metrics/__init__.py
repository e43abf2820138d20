"""Numbers that say how well a fit recovers a truth, and how stable two fits are. Importing registers all of them."""

from simlab.metrics import bridging, composition, interviews, performance, recovery, references, selection, stability

__all__ = ["bridging", "composition", "interviews", "performance", "recovery", "references", "selection", "stability"]
