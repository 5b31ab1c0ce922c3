//! Calibration: certificates hold as often as promised, drift is noticed, numbers equal SciPy's and scikit-learn's.

mod certification;
mod drift;
mod fitting;
mod lint;
mod pool;
mod profile;
mod promises;
mod reference;
mod support;
