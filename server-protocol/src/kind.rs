//! The kinds of values that MessagePack has.

use std::fmt;

use rmp::Marker;

/// The kind of a value, without its exact form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    Boolean,
    Integer,
    Float,
    Text,
    Binary,
    Array,
    Map,
    Extension,
    Reserved,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nil => "nil",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Array => "an array",
            Self::Map => "a map",
            Self::Extension => "an extension type",
            Self::Reserved => "the reserved byte 0xc1",
        })
    }
}

/// The kind of the value that begins with a marker.
pub(crate) fn kind_of(marker: Marker) -> Kind {
    match marker {
        Marker::Null => Kind::Nil,
        Marker::True | Marker::False => Kind::Boolean,
        Marker::FixPos(_)
        | Marker::FixNeg(_)
        | Marker::U8
        | Marker::U16
        | Marker::U32
        | Marker::U64
        | Marker::I8
        | Marker::I16
        | Marker::I32
        | Marker::I64 => Kind::Integer,
        Marker::F32 | Marker::F64 => Kind::Float,
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => Kind::Text,
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => Kind::Binary,
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => Kind::Array,
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => Kind::Map,
        Marker::FixExt1
        | Marker::FixExt2
        | Marker::FixExt4
        | Marker::FixExt8
        | Marker::FixExt16
        | Marker::Ext8
        | Marker::Ext16
        | Marker::Ext32 => Kind::Extension,
        Marker::Reserved => Kind::Reserved,
    }
}
