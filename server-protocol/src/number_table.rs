//! A table of numbers with names: an enumeration, as one item of a message.

/// Declares an enumeration whose items are read and written as integers. A number that is not in
/// the table makes the message unreadable.
macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident written as $write:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $name {
            pub(crate) fn read(
                items: &mut $crate::items::Items,
                item: &'static str,
            ) -> Result<Self, $crate::DecodeError> {
                items.next(item)?;
                match items.unsigned(item)? {
                    $($number => Ok(Self::$variant),)*
                    other => Err(items.error(item, $crate::decode_error::Problem::Unknown(other))),
                }
            }

            pub(crate) fn write(&self, writer: &mut $crate::writer::Writer) {
                writer.$write(*self as i32);
            }
        }
    };
}

pub(crate) use numbers;
