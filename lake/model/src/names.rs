/// An enum whose members have fixed names in columns and answers.
macro_rules! names {
    ($(#[$doc:meta])* $kind:ident ($field:literal) { $($(#[$member_doc:meta])* $member:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $kind {
            $($(#[$member_doc])* #[serde(rename = $name)] $member,)*
        }

        impl $kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$member),*];

            /// Its name, as it stands in columns and answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$member => $name,)*
                }
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::BadValue;

            fn from_str(text: &str) -> Result<Self, $crate::BadValue> {
                let found = Self::ALL.iter().copied().find(|member| member.as_str() == text);
                found.ok_or_else(|| {
                    let names: Vec<&str> = Self::ALL.iter().map(|member| member.as_str()).collect();
                    $crate::BadValue::new($field, text, format!("is none of {}", names.join(", ")))
                })
            }
        }
    };
}

pub(crate) use names;
