//! Encodes an enum's variant as its payload alone, without serde's outer tag.
//!
//! `AccountOpened { owner: "x" }` is stored as `{"owner":"x"}` under the type `AccountOpened`. The
//! enum's own serde attributes (`rename`, `default`, `with` …) hold. Invariant: what
//! [`encode_variant`] writes, [`decode_variant`] of the same variant index reads.

use serde::{
    Deserialize, Serialize, Serializer,
    de::{
        DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
        VariantAccess, Visitor, value::U32Deserializer,
    },
    ser::{Error as _, Impossible},
};

use crate::{
    event::DecodeFault,
    payload::{EncodeError, Payload},
};

/// Encodes the payload of an enum's variant.
#[doc(hidden)]
pub fn encode_variant<T: Serialize>(value: &T) -> Result<Payload, EncodeError> {
    struct Payloads<'a, T>(&'a T);
    impl<T: Serialize> Serialize for Payloads<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(Untagged(serializer))
        }
    }
    Payload::json(&Payloads(value))
}

/// Encodes a struct that is an event of its own.
#[doc(hidden)]
pub fn encode_struct<T: Serialize>(value: &T) -> Result<Payload, EncodeError> {
    Payload::json(value)
}

/// Decodes the payload of the variant with this index.
#[doc(hidden)]
pub fn decode_variant<T: DeserializeOwned>(
    index: u32,
    version: u32,
    payload: &Payload,
) -> Result<T, DecodeFault> {
    struct Seeded<T> {
        index: u32,
        marker: std::marker::PhantomData<T>,
    }
    impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Seeded<T> {
        type Value = T;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            T::deserialize(Tagged { index: self.index, inner: deserializer })
        }
    }
    let damaged = |reason: String| DecodeFault::Damaged { version, reason };
    check_json(version, payload)?;
    let mut json = serde_json::Deserializer::from_slice(&payload.data);
    let seed = Seeded { index, marker: std::marker::PhantomData };
    let value = seed.deserialize(&mut json).map_err(|error| damaged(error.to_string()))?;
    json.end().map_err(|error| damaged(error.to_string()))?;
    Ok(value)
}

/// Decodes a struct that is an event of its own, or an older shape of a payload.
#[doc(hidden)]
pub fn decode_struct<T: DeserializeOwned>(
    version: u32,
    payload: &Payload,
) -> Result<T, DecodeFault> {
    check_json(version, payload)?;
    serde_json::from_slice(&payload.data)
        .map_err(|error| DecodeFault::Damaged { version, reason: error.to_string() })
}

fn check_json(version: u32, payload: &Payload) -> Result<(), DecodeFault> {
    match payload.content_type {
        crate::payload::ContentType::Json => Ok(()),
        other => Err(DecodeFault::Damaged {
            version,
            reason: format!("its content type is {}, not JSON", other.as_str()),
        }),
    }
}

/// A serializer that writes what is inside a variant and drops the variant's name.
struct Untagged<S>(S);

const NOT_AN_ENUM: &str = "an event enum must serialize as an enum: derive `Serialize` on it";

macro_rules! refuse {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $($argument: $kind),*) -> Result<$result, S::Error> {
            $(let _ = $argument;)*
            Err(S::Error::custom(NOT_AN_ENUM))
        })*
    };
}

impl<S: Serializer> Serializer for Untagged<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Impossible<S::Ok, S::Error>;
    type SerializeTuple = Impossible<S::Ok, S::Error>;
    type SerializeTupleStruct = Impossible<S::Ok, S::Error>;
    type SerializeTupleVariant = TupleVariant<S::SerializeTuple>;
    type SerializeMap = Impossible<S::Ok, S::Error>;
    type SerializeStruct = Impossible<S::Ok, S::Error>;
    type SerializeStructVariant = StructVariant<S::SerializeStruct>;

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        self.0.serialize_struct(name, 0)?.end()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(self.0)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple(len).map(TupleVariant)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct(variant, len).map(StructVariant)
    }

    refuse! {
        serialize_bool(value: bool) -> S::Ok;
        serialize_i8(value: i8) -> S::Ok;
        serialize_i16(value: i16) -> S::Ok;
        serialize_i32(value: i32) -> S::Ok;
        serialize_i64(value: i64) -> S::Ok;
        serialize_u8(value: u8) -> S::Ok;
        serialize_u16(value: u16) -> S::Ok;
        serialize_u32(value: u32) -> S::Ok;
        serialize_u64(value: u64) -> S::Ok;
        serialize_f32(value: f32) -> S::Ok;
        serialize_f64(value: f64) -> S::Ok;
        serialize_char(value: char) -> S::Ok;
        serialize_str(value: &str) -> S::Ok;
        serialize_bytes(value: &[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(name: &'static str) -> S::Ok;
        serialize_seq(len: Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(len: usize) -> Self::SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> Self::SerializeTupleStruct;
        serialize_map(len: Option<usize>) -> Self::SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> Self::SerializeStruct;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        let _ = value;
        Err(S::Error::custom(NOT_AN_ENUM))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let _ = value;
        Err(S::Error::custom(NOT_AN_ENUM))
    }
}

struct TupleVariant<T>(T);

impl<T: serde::ser::SerializeTuple> serde::ser::SerializeTupleVariant for TupleVariant<T> {
    type Ok = T::Ok;
    type Error = T::Error;

    fn serialize_field<V: Serialize + ?Sized>(&mut self, value: &V) -> Result<(), T::Error> {
        self.0.serialize_element(value)
    }

    fn end(self) -> Result<T::Ok, T::Error> {
        self.0.end()
    }
}

struct StructVariant<T>(T);

impl<T: serde::ser::SerializeStruct> serde::ser::SerializeStructVariant for StructVariant<T> {
    type Ok = T::Ok;
    type Error = T::Error;

    fn serialize_field<V: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &V,
    ) -> Result<(), T::Error> {
        self.0.serialize_field(key, value)
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), T::Error> {
        self.0.skip_field(key)
    }

    fn end(self) -> Result<T::Ok, T::Error> {
        self.0.end()
    }
}

/// A deserializer that supplies the variant's index, and the payload as what is inside.
struct Tagged<D> {
    index: u32,
    inner: D,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(serde::de::Error::custom(
            "an event enum must deserialize as an enum: derive `Deserialize` on it",
        ))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Tagged<D> {
    type Error = D::Error;
    type Variant = Inside<D>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), D::Error> {
        let index: U32Deserializer<D::Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, Inside(self.inner)))
    }
}

struct Inside<D>(D);

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Inside<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        serde::de::IgnoredAny::deserialize(self.0).map(|_| ())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sample {
        Nothing,
        Named {
            first_name: String,
            #[serde(default)]
            age: u8,
        },
        Wrapped(Vec<u8>),
        Pair(u8, String),
    }

    #[test]
    fn a_variant_is_stored_without_its_name_and_read_back_by_its_index() {
        for (index, value, json) in [
            (0, Sample::Nothing, "{}"),
            (
                1,
                Sample::Named { first_name: "Ann".into(), age: 7 },
                r#"{"first_name":"Ann","age":7}"#,
            ),
            (2, Sample::Wrapped(vec![1, 2]), "[1,2]"),
            (3, Sample::Pair(1, "x".into()), r#"[1,"x"]"#),
        ] {
            let payload = encode_variant(&value).unwrap();
            assert_eq!(std::str::from_utf8(&payload.data).unwrap(), json);
            assert_eq!(decode_variant::<Sample>(index, 1, &payload).unwrap(), value);
        }
    }

    #[test]
    fn serde_attributes_hold_and_damage_is_reported() {
        let read = |json: &'static str| {
            decode_variant::<Sample>(
                1,
                3,
                &Payload {
                    content_type: crate::payload::ContentType::Json,
                    data: json.as_bytes().into(),
                },
            )
        };
        assert_eq!(
            read(r#"{"first_name":"Bo"}"#).unwrap(),
            Sample::Named { first_name: "Bo".into(), age: 0 }
        );
        for damaged in ["", "{", "{}", "{\"first_name\":1}", "{\"first_name\":\"a\"} x", "\u{0}"] {
            let fault = read(damaged).unwrap_err();
            assert!(matches!(fault, DecodeFault::Damaged { version: 3, .. }), "{fault}");
        }
    }

    #[test]
    fn a_type_that_is_not_an_enum_is_refused_with_a_remedy() {
        let error = encode_variant(&17_u8).unwrap_err();
        assert!(error.to_string().contains("derive `Serialize`"), "{error}");
    }
}
