//! A message as a table of its items.

/// Declares a message: its number, and its items in the order of the wire. After `=>` is the reader
/// and writer of an item: a module of `item`, or a type that does this itself.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident = $number:literal {
        $($(#[$field_doc:meta])* $field:ident: $type:ty => $codec:ident,)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $name {
            pub(crate) const NUMBER: u64 = $number;

            pub(crate) fn read(
                items: &mut $crate::items::Items,
            ) -> Result<Self, $crate::DecodeError> {
                Ok(Self { $($field: $codec::read(items, stringify!($field))?,)* })
            }

            pub(crate) fn write(&self, writer: &mut $crate::writer::Writer) {
                writer.array(1 + [$(stringify!($field)),*].len());
                writer.unsigned(Self::NUMBER);
                $($codec::write(&self.$field, writer);)*
            }
        }
    };
}

pub(crate) use message;
