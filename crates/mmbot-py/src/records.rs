//! Plain records of the core as frozen Python values that compare and print field by field.

/// Defines a frozen value with getters for all fields, equality, a repr and `From` its twin in the
/// core.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident as $python:literal from $core:ty {
            $($(#[$field_doc:meta])* $field:ident: $kind:ty),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[pyo3::pyclass(name = $python, module = "mmbot._core", frozen, eq, get_all)]
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub(crate) $field: $kind,)*
        }

        impl From<$core> for $name {
            fn from(core: $core) -> Self {
                Self { $($field: core.$field.into(),)* }
            }
        }

        impl crate::records::Shown for $name {
            fn shown(&self) -> String {
                let fields = [$(format!(
                    "{}={}",
                    stringify!($field),
                    crate::records::Shown::shown(&self.$field)
                )),*];
                format!("{}({})", $python, fields.join(", "))
            }
        }
    };
}

pub(crate) use record;

/// Is printed as Python would.
pub(crate) trait Shown {
    /// The text of `repr`.
    fn shown(&self) -> String;
}

macro_rules! as_debug {
    ($($kind:ty),*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> String {
                format!("{self:?}")
            }
        })*
    };
}

as_debug!(f64, u32, u64);

impl Shown for bool {
    fn shown(&self) -> String {
        let text = if *self { "True" } else { "False" };
        text.to_owned()
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref()
            .map_or_else(|| "None".to_owned(), Shown::shown)
    }
}
