"""What the notes state (N1–N24) and misprint (M1–M12), and what lesson 00 adds (B1–B13): what the ledger must hold."""

from typing import NamedTuple


class Statement(NamedTuple):
    """A statement: where it stands, and what it says, in a line.

    `heading` is one of the notes' eight, or the word that its place turns on, as 组合; for B1–B13 it is lesson 00's.
    """

    heading: str
    says: str


class Misprint(NamedTuple):
    """A misprint of the notes: what is printed, and what it should be."""

    printed: str
    corrected: str


STATEMENTS = {
    "N1": Statement("flow-based models, VAE 对比", "a flow undoes z→x exactly, so p(x) is exact; a VAE's is not"),
    "N2": Statement("变量替换定理 (1-D)", "p_X(x) = p_Z(h(x)) |h'(x)|, h = f⁻¹"),
    "N3": Statement("变量替换定理 (n-D)", "p_X(x) = p_Z(h(x)) |det ∂h/∂x|"),
    "N4": Statement("变量替换定理 (2-D)", "the same with X = U(Z), Z = V(X): |det ∂(V₁, V₂)/∂(x₁, x₂)|"),
    "N5": Statement("维度一致", "an invertible differentiable map keeps the dimension"),
    "N6": Statement("归一化流模型", "p_X(x; θ) = p_Z(f_θ⁻¹(x)) |det ∂f_θ⁻¹/∂x|"),
    "N7": Statement("组合", "of composed maps the log-dets add"),
    "N8": Statement("优化目标", "max_θ Σ_x [log p_Z(f_θ⁻¹(x)) + log|det ∂f_θ⁻¹/∂x|]"),
    "N9": Statement("三角 Jacobian", "a triangular Jacobian's determinant is the product of its diagonal"),
    "N10": Statement("NICE 正向", "x_{1:d} = z_{1:d}, x_{d+1:n} = z_{d+1:n} + m(z_{1:d})"),
    "N11": Statement("NICE 反向", "z_{1:d} = x_{1:d}, z_{d+1:n} = x_{d+1:n} − m(x_{1:d})"),
    "N12": Statement("NICE Jacobian", "[[I, 0], [∂m/∂z_{1:d}, I]], det = 1: volume preserving"),
    "N13": Statement("NICE 重缩放", "x_i = s_i z_i; log p_X loses Σ log|s_i|"),
    "N14": Statement("Real-NVP 前向", "x_{d+1:n} = z_{d+1:n} ⊙ exp(α(z_{1:d})) + μ(z_{1:d})"),
    "N15": Statement("Real-NVP 反向", "z_{d+1:n} = (x_{d+1:n} − μ(x_{1:d})) ⊙ exp(−α(x_{1:d}))"),
    "N16": Statement("Real-NVP Jacobian", "det ∂x/∂z = exp(Σ_i α(z_{1:d})_i)"),
    "N17": Statement("混合", "Z = cos φ (cos φ' Z¹ + sin φ' Z²) + sin φ (cos φ' Z³ + sin φ' Z⁴)"),
    "N18": Statement("MAF", "x_i = exp(α_i(x_{<i})) z_i + μ_i(x_{<i})"),
    "N19": Statement("IAF", "x_i = exp(α_i(z_{<i})) z_i + μ_i(z_{<i})"),
    "N20": Statement("图", "MAF's inverse pass is IAF's forward pass with z and x exchanged"),
    "N21": Statement("概率密度蒸馏", "D_KL(s‖t) = E_{x~s}[log s(x) − log t(x)]: student IAF, teacher MAF"),
    "N22": Statement("蒸馏训练过程", "sample the student, score under the frozen teacher, minimise over the student"),
    "N23": Statement("MintNet", "masked convolutions as an invertible layer"),
    "N24": Statement("训练目标的另一种看法", "min KL(data‖model) = min KL(f⁻¹(data)‖p_Z): Gaussianization"),
}

MISPRINTS = {
    "M1": Misprint("N4: the determinant has one row", "the 2×2 matrix, ∂V₂/∂x below"),
    "M2": Misprint("N4: X ~ U(Z), Z ~ V(X)", "=: these are equations"),
    "M3": Misprint("N7: ∂f⁽ᵐ⁾(z_{m−1})/∂z_m", "∂(f⁽ᵐ⁾)⁻¹(z_m)/∂z_m"),
    "M4": Misprint("N10: 1 < d < n", "1 ≤ d < n"),
    "M5": Misprint("N12: ∂m(z_{1:d})/z_{1:d}", "∂m/∂z_{1:d}, a Jacobian"),
    "M6": Misprint("N15: ⊙ exp(−z_{1:d})", "⊙ exp(−α(x_{1:d}))"),
    "M7": Misprint("N16: Σ_i α(z_{1:d})", "Σ_i α(z_{1:d})_i"),
    "M8": Misprint("N18: μ_1(x_1), μ_2(x_1, x_2), at the end μ_n(x_{<n})", "μ_i(x_{<i}): the first are one off"),
    "M9": Misprint("N19: μ_i(z_{≤i}), α_i(z_{≤i})", "μ_i(z_{<i}), α_i(z_{<i})"),
    "M10": Misprint("N13: det = ∏ s_i", "|∏ s_i|, and s_i ≠ 0"),
    "M11": Misprint("N2: X = f(Z) with f(x) invertible", "f(z): f takes latents, h takes data"),
    "M12": Misprint("N24: f_0⁻¹, f_e⁻¹ and f_θ⁻¹ in one chain", "one map f_θ⁻¹ throughout"),
}

BACKWARD = {
    "B1": Statement("the rule", "⟨g, J v⟩ = ⟨Jᵀ g, v⟩: backward multiplies by the transpose of the derivative"),
    "B2": Statement("linear map", "Y = X W + 1 bᵀ: g_X = G Wᵀ, g_W = Xᵀ G, g_b = the sum over the rows of G"),
    "B3": Statement("activations", "h = φ(a): g_a = g ⊙ φ'(a); tanh' = 1 − h², ReLU' = 1 where a > 0, else 0"),
    "B4": Statement("networks", "backward in reverse order; what is used twice gets the sum of both gradients"),
    "B5": Statement("two outputs", "a coupling's log-scale gets g_α = ±g_b ⊙ (what was scaled) ± g_log_det"),
    "B6": Statement("log-det", "∂ log|det W|/∂W = W⁻ᵀ; where log|det| = Σ α, it is 1 for each α"),
    "B7": Statement("triangular solve", "z = L⁻¹ x: g_x = L⁻ᵀ g_z, g_L = −(g_x zᵀ) below and on the diagonal"),
    "B8": Statement("implicit function", "f(x, θ) = z solved for x: g_z = J⁻ᵀ g_x, g_θ = −(∂f/∂θ)ᵀ g_z"),
    "B9": Statement(
        "differences", "forward h f″/2, central h² f‴/6, at best at h ≈ ε^½, ε^⅓; complex step: all digits"
    ),
    "B10": Statement("errors", "an error is compared with what the number can be known to, not with the number alone"),
    "B11": Statement("kinks", "no derivative at a kink, no difference across one: such probes are left out"),
    "B12": Statement(
        "Jacobians", "log_det = slogdet of the numerical Jacobian, each direction by itself, in several n"
    ),
    "B13": Statement("find the bug", "the ladder of checks names the mistake of a wrong layer"),
}

TAGS = (*STATEMENTS, *MISPRINTS, *BACKWARD)
