//! Exponential decay by half-lives, fast where the argument is small and bit-stable everywhere.

/// `1 - 2^(-half_lives)` for a non-negative argument, without the cancellation of the naive form.
///
/// Below a thousandth of a half-life the Taylor series of `-expm1(-u)`, `u = half_lives ln 2`, is
/// cut after the fifth order: the rest is below `u^5 / 720`, that is 2e-19 relative.
#[inline]
#[must_use]
pub fn forgotten(half_lives: f64) -> f64 {
    let u = half_lives * std::f64::consts::LN_2;
    if u < 1e-3 {
        u * (1.0 - u * (0.5 - u * (1.0 / 6.0 - u * (1.0 / 24.0 - u * (1.0 / 120.0)))))
    } else {
        -libm::expm1(-u)
    }
}

/// `2^(-half_lives)` for a non-negative argument; keeps its relative precision however small it
/// gets.
#[inline]
#[must_use]
pub fn kept(half_lives: f64) -> f64 {
    let u = half_lives * std::f64::consts::LN_2;
    if u < 1e-3 {
        1.0 - forgotten(half_lives)
    } else {
        libm::exp2(-half_lives)
    }
}

/// `ln(1 + x)`; below a thousandth in magnitude by its Taylor series up to the sixth order (the
/// rest is below 2e-19 relative).
#[inline]
#[must_use]
pub fn log_return(x: f64) -> f64 {
    if x.abs() < 1e-3 {
        x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0))))))
    } else {
        libm::log1p(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_branches_agree_with_the_library() {
        for i in 1..4000 {
            let x = f64::from(i) * 5e-7;
            let exact = -libm::expm1(-x * std::f64::consts::LN_2);
            assert!((forgotten(x) - exact).abs() <= 4e-16 * exact, "{x}");
            assert!((kept(x) - libm::exp2(-x)).abs() <= 4e-16, "{x}");
            for x in [x, -x] {
                let exact = libm::log1p(x);
                assert!((log_return(x) - exact).abs() <= 4e-16 * exact.abs(), "{x}");
            }
        }
        assert_eq!(forgotten(0.0), 0.0);
        assert!((forgotten(1.0) - 0.5).abs() < 1e-15);
        assert_eq!(forgotten(f64::INFINITY), 1.0);
        assert_eq!(kept(100.0), libm::exp2(-100.0));
    }
}
