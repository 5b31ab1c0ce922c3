//! Structures as JSON lists of their fields, in their order: what only this crate reads takes far less code in a page without
//! names. The list's first reader is its version.

/// Writes and reads a structure as the list of its fields.
macro_rules! packed {
    ($name:ident { $($field:ident),+ }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ($(&self.$field,)+).serialize(serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let ($($field,)+) = serde::Deserialize::deserialize(deserializer)?;
                Ok($name { $($field),+ })
            }
        }
    };
}

pub(super) use packed;
