//! The fields of a message under the names of the recording, in one plain form: bytes as
//! hexadecimal digits, maps of payloads without an order.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use signalr_server_protocol::{
    AckStatus, ConnectionKind, DataType, Extensions, FlowControlled, FlowOperation, Headers,
    Message, Payloads, ServiceEventKind, ServiceObject, Timestamp,
};

/// The recorded moments, in ISO 8601.
const MOMENTS: [(&str, i64, u32); 3] = [
    ("2027-01-15T08:00:00.0000000+00:00", 1_800_000_000, 0),
    ("2027-01-15T08:00:00.2500000+00:00", 1_800_000_000, 250_000_000),
    ("9999-12-31T23:59:59.9999999+00:00", 253_402_300_799, 999_999_900),
];

/// A recorded field in the plain form.
pub(crate) fn in_plain_form(field: &str, value: &Value) -> Value {
    match field {
        "Payload" => json!(hex_of_recorded(value)),
        "Payloads" => {
            let payloads = value.as_object().unwrap().iter();
            payloads.map(|(name, bytes)| (name.clone(), json!(hex_of_recorded(bytes)))).collect()
        }
        // These are read as empty texts if they are nil. The recording distinguishes the two.
        "Target" | "QueryString" => json!(value.as_str().unwrap_or_default()),
        "Claims" if value.is_null() => json!([]),
        _ => value.clone(),
    }
}

fn hex_of_recorded(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let zeros: usize = text.strip_suffix(" zero bytes").unwrap().parse().unwrap();
            hex(&vec![0; zeros])
        }
        value => match value["hex"].as_str() {
            Some(digits) => digits.to_owned(),
            None => hex(value["text"].as_str().unwrap().as_bytes()),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

fn payloads(payloads: &Payloads) -> Value {
    let payloads = payloads.0.iter().map(|(name, bytes)| (name.clone(), hex(bytes)));
    json!(payloads.collect::<BTreeMap<_, _>>())
}

fn headers(headers: &Headers) -> Value {
    headers.0.iter().map(|(name, values)| (name.clone(), json!(values))).collect()
}

fn optional(bytes: &Option<Bytes>) -> String {
    hex(bytes.as_deref().unwrap_or_default())
}

fn moment(timestamp: Timestamp) -> &'static str {
    let mut moments = MOMENTS.iter();
    let known = moments.find(|it| (it.1, it.2) == (timestamp.seconds, timestamp.nanoseconds));
    known.unwrap().0
}

fn status(status: AckStatus) -> i32 {
    match status {
        AckStatus::Ok => 1,
        AckStatus::NotFound => 2,
        AckStatus::Timeout => 3,
        AckStatus::InternalServerError => 4,
        AckStatus::Forbidden => 5,
        AckStatus::Other(other) => other,
    }
}

fn data_type(extensions: &Extensions) -> &'static str {
    match extensions.data_type {
        None => "Unknown (0)",
        Some(DataType::Handshake) => "Handshake (1)",
        Some(DataType::Invocation) => "Invocation (2)",
        Some(DataType::Other) => "Other (3)",
        Some(DataType::Close) => "Close (4)",
    }
}

fn flow(of: FlowControlled, operation: FlowOperation) -> (&'static str, &'static str) {
    let of = match of {
        FlowControlled::Client => "Client (1)",
        FlowControlled::Server => "Server (2)",
    };
    let operation = match operation {
        FlowOperation::Pause => "Pause (1)",
        FlowOperation::PauseAck => "PauseAck (2)",
        FlowOperation::Resume => "Resume (3)",
        FlowOperation::Offline => "Offline (4)",
    };
    (of, operation)
}

fn event(object: ServiceObject, kind: ServiceEventKind) -> (&'static str, &'static str) {
    let object = match object {
        ServiceObject::Instance => "ServiceInstance (0)",
        ServiceObject::Connection => "Connection (1)",
        ServiceObject::User => "User (2)",
        ServiceObject::Group => "Group (3)",
        ServiceObject::ServerConnection => "ServerConnection (4)",
    };
    let kind = match kind {
        ServiceEventKind::Reloading => "Reloading (0)",
        ServiceEventKind::Invalid => "Invalid (1)",
        ServiceEventKind::NotExisted => "NotExisted (2)",
        ServiceEventKind::BufferFull => "BufferFull (3)",
    };
    (object, kind)
}

fn kind(kind: ConnectionKind) -> i32 {
    match kind {
        ConnectionKind::Default => 0,
        ConnectionKind::OnDemand => 1,
        ConnectionKind::Weak => 2,
    }
}

/// The extensions that most messages have.
fn common(extensions: &Extensions) -> Value {
    json!({
        "TracingId": extensions.tracing_id,
        "Ttl": extensions.ttl,
        "Protocol": extensions.protocol,
        "Filter": extensions.filter,
        "Type": data_type(extensions),
        "IsPartial": extensions.partial,
    })
}

/// All fields of a message, with the extensions that it has room for.
pub(crate) fn fields(message: &Message) -> Map<String, Value> {
    let none = Extensions::default();
    let (extensions, own) = match message {
        Message::HandshakeRequest(m) => (
            &m.extensions,
            json!({
                "Version": m.version,
                "ConnectionType": kind(m.kind),
                "Target": m.target,
                "MigrationLevel": m.migration as i32,
                "AllowStatefulReconnects": m.stateful_reconnect,
            }),
        ),
        Message::HandshakeResponse(m) => (
            &m.extensions,
            json!({
                "ErrorMessage": m.error, "ConnectionId": m.connection_id,
            }),
        ),
        Message::Ping(m) => (&none, json!({ "Messages": m.texts })),
        Message::OpenConnection(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id,
                "Claims": m.claims.0,
                "Headers": headers(&m.headers),
                "QueryString": m.query,
            }),
        ),
        Message::CloseConnection(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "ErrorMessage": m.error, "Headers": headers(&m.headers),
            }),
        ),
        Message::ConnectionData(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "Payload": hex(&m.payload),
            }),
        ),
        Message::MultiConnectionData(m) => (
            &m.extensions,
            json!({
                "ConnectionList": m.connection_ids, "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::UserData(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::MultiUserData(m) => (
            &m.extensions,
            json!({
                "UserList": m.user_ids, "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::BroadcastData(m) => (
            &m.extensions,
            json!({
                "ExcludedList": m.excluded, "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::JoinGroup(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "GroupName": m.group,
            }),
        ),
        Message::LeaveGroup(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "GroupName": m.group,
            }),
        ),
        Message::GroupBroadcastData(m) => (
            &m.extensions,
            json!({
                "GroupName": m.group,
                "ExcludedList": m.excluded,
                "ExcludedUserList": m.excluded_users,
                "CallerUserId": m.caller_user_id,
                "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::MultiGroupBroadcastData(m) => (
            &m.extensions,
            json!({
                "GroupList": m.groups, "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::ServiceError(m) => (&none, json!({ "ErrorMessage": m.error })),
        Message::UserJoinGroup(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "GroupName": m.group,
            }),
        ),
        Message::UserLeaveGroup(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "GroupName": m.group,
            }),
        ),
        Message::JoinGroupWithAck(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::LeaveGroupWithAck(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::Ack(m) => (
            &m.extensions,
            json!({
                "AckId": m.ack_id,
                "Status": status(m.status),
                "Message": m.message,
                "Payload": optional(&m.payload),
            }),
        ),
        Message::CheckUserInGroupWithAck(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::ServiceEvent(m) => {
            let (object, kind) = event(m.object, m.kind);
            let own = json!({ "Type": object, "Id": m.id, "Kind": kind, "Message": m.message });
            (&m.extensions, own)
        }
        Message::CheckGroupExistenceWithAck(m) => (
            &m.extensions,
            json!({
                "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::CheckConnectionExistenceWithAck(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "AckId": m.ack_id,
            }),
        ),
        Message::CheckUserExistenceWithAck(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "AckId": m.ack_id,
            }),
        ),
        Message::UserJoinGroupWithAck(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::UserLeaveGroupWithAck(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id, "GroupName": m.group, "AckId": m.ack_id,
            }),
        ),
        Message::AccessKeyRequest(m) => (
            &m.extensions,
            json!({
                "Token": m.token.0, "Kid": m.kid,
            }),
        ),
        Message::AccessKeyResponse(m) => (
            &m.extensions,
            json!({
                "Kid": m.kid,
                "AccessKey": m.access_key.as_ref().map(|key| &key.0),
                "ErrorType": m.error_type,
                "ErrorMessage": m.error,
            }),
        ),
        Message::CloseConnectionWithAck(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "Reason": m.reason, "AckId": m.ack_id,
            }),
        ),
        Message::CloseConnectionsWithAck(m) => (
            &m.extensions,
            json!({
                "Reason": m.reason, "AckId": m.ack_id, "ExcludedList": m.excluded,
            }),
        ),
        Message::CloseUserConnectionsWithAck(m) => (
            &m.extensions,
            json!({
                "UserId": m.user_id,
                "Reason": m.reason,
                "AckId": m.ack_id,
                "ExcludedList": m.excluded,
            }),
        ),
        Message::CloseGroupConnectionsWithAck(m) => (
            &m.extensions,
            json!({
                "GroupName": m.group,
                "Reason": m.reason,
                "AckId": m.ack_id,
                "ExcludedList": m.excluded,
            }),
        ),
        Message::ClientInvocation(m) => (
            &m.extensions,
            json!({
                "InvocationId": m.invocation_id,
                "ConnectionId": m.connection_id,
                "CallerServerId": m.caller_server_id,
                "Payloads": payloads(&m.payloads),
            }),
        ),
        Message::ClientCompletion(m) => (
            &m.extensions,
            json!({
                "InvocationId": m.invocation_id,
                "ConnectionId": m.connection_id,
                "CallerServerId": m.server_id,
                "Protocol": m.encoding,
                "Payload": hex(&m.payload),
            }),
        ),
        Message::ErrorCompletion(m) => (
            &m.extensions,
            json!({
                "InvocationId": m.invocation_id,
                "ConnectionId": m.connection_id,
                "CallerServerId": m.server_id,
                "Error": m.error,
            }),
        ),
        Message::ServiceMapping(m) => (
            &m.extensions,
            json!({
                "InvocationId": m.invocation_id,
                "ConnectionId": m.connection_id,
                "InstanceId": m.instance_id,
            }),
        ),
        Message::ConnectionReconnect(m) => {
            (&m.extensions, json!({ "ConnectionId": m.connection_id }))
        }
        Message::ConnectionFlowControl(m) => {
            let (of, operation) = flow(m.of, m.operation);
            let own = json!({ "ConnectionId": m.id, "ConnectionType": of, "Operation": operation });
            (&m.extensions, own)
        }
        Message::GroupMemberQuery(m) => (
            &m.extensions,
            json!({
                "GroupName": m.group,
                "AckId": m.ack_id,
                "Top": m.top,
                "ContinuationToken": m.continuation,
                "MaxPageSize": m.page_size,
            }),
        ),
        Message::RefreshAuth(m) => (
            &m.extensions,
            json!({
                "ConnectionToken": m.connection_token.0,
                "Claims": m.claims.0,
                "ExpireTime": moment(m.expires),
                "AckId": m.ack_id,
            }),
        ),
        Message::GetConnectionClaims(m) => (
            &m.extensions,
            json!({
                "ConnectionToken": m.connection_token.0, "AckId": m.ack_id,
            }),
        ),
        Message::UpdateConnectionClaims(m) => (
            &m.extensions,
            json!({
                "ConnectionId": m.connection_id, "Claims": m.claims.0,
            }),
        ),
    };
    let mut fields = common(extensions).as_object().unwrap().clone();
    fields.extend(own.as_object().unwrap().clone());
    fields
}
