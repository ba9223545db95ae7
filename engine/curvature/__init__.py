"""Second derivatives of the loss: exact Hessian-vector products, the full Hessian, extreme eigenpairs."""

from engine.curvature.eigenpairs import Eigenpairs, extreme_eigenpairs
from engine.curvature.hessian import Hessian, dense_hessian

__all__ = ["Eigenpairs", "Hessian", "dense_hessian", "extreme_eigenpairs"]
