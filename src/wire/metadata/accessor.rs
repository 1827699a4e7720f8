//! The macro `member!`: the accessor of a metadata member.

/// One accessor, named like its member. The kinds: `endpoint` is a URL that requests go to, `text` any other string, `texts` a
/// list of strings, perhaps with the specification's default, `truth` a boolean with its default.
macro_rules! member {
    ($(#[$doc:meta])* endpoint $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Endpoint`](crate::ConfigError::Endpoint) unless it is an absolute https URL, [`ConfigError::Metadata`](crate::ConfigError::Metadata) if it is not a string.
        pub fn $name(&self) -> Result<Option<alloc::string::String>, $crate::error::config::ConfigError> {
            self.kept.endpoint(stringify!($name), self.transport())
        }
    };
    ($(#[$doc:meta])* text $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`](crate::ConfigError::Metadata) if it is not a string.
        pub fn $name(&self) -> Result<Option<alloc::string::String>, $crate::error::config::ConfigError> {
            self.kept.text_of(stringify!($name))
        }
    };
    ($(#[$doc:meta])* texts $name:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`](crate::ConfigError::Metadata) if it is not a list.
        pub fn $name(&self) -> Result<Option<alloc::vec::Vec<alloc::string::String>>, $crate::error::config::ConfigError> {
            self.kept.texts(stringify!($name))
        }
    };
    ($(#[$doc:meta])* texts $name:ident or $($default:literal),+) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`](crate::ConfigError::Metadata) if it is not a list.
        pub fn $name(&self) -> Result<alloc::vec::Vec<alloc::string::String>, $crate::error::config::ConfigError> {
            Ok(self.kept.texts(stringify!($name))?.unwrap_or_else(|| alloc::vec![$($default.into()),+]))
        }
    };
    ($(#[$doc:meta])* truth $name:ident or $default:literal) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// [`ConfigError::Metadata`](crate::ConfigError::Metadata) if it is not a boolean.
        pub fn $name(&self) -> Result<bool, $crate::error::config::ConfigError> {
            Ok(self.kept.truth(stringify!($name))?.unwrap_or($default))
        }
    };
}

pub(super) use member;
