//! The service's own description, made from the table of operations.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::Method;
use serde_json::{Map, Value, json};
use signalr_serverless::rest::{ApiVersion, Operation, Route};

use super::body::Format;

/// `GET /api/openapi.json`
pub(super) fn description() -> Response {
    Json(document()).into_response()
}

fn document() -> Value {
    let mut paths = Map::new();
    for operation in Operation::ALL.iter().copied() {
        for route in operation.routes() {
            let methods = paths.entry(route.path).or_insert_with(|| json!({}));
            // If versions share a route, its `api-version` distinguishes them.
            methods[key(&route.method)] = method(operation, route);
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "signalr-serverless",
            "description": "The Azure SignalR Service data plane, as this service speaks it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": { "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "HS256 by an access key; the audience is the URL without its query.",
        }}},
    })
}

/// The name of a method in a path. OpenAPI 3.0 has none for QUERY.
fn key(method: &Method) -> String {
    let name = method.as_str().to_lowercase();
    if *method == Method::QUERY { format!("x-{name}") } else { name }
}

fn method(operation: Operation, route: &Route) -> Value {
    let status = route.status.to_string();
    let mut method = json!({
        "operationId": operation_id(operation, route),
        "parameters": parameters(operation, route),
        "responses": { status: success(operation, route), "default": error() },
    });
    if operation == Operation::Health {
        method["security"] = json!([]);
    } else {
        method["security"] = json!([{ "token": [] }]);
    }
    if let Some(body) = body(operation) {
        method["requestBody"] = body;
    }
    method
}

/// Whether calls of the route name their version in the query.
fn is_in_query(route: &Route) -> bool {
    route.versions.iter().any(|version| version.is_in_query())
}

/// A unique id: an operation may have several routes.
fn operation_id(operation: Operation, route: &Route) -> String {
    let path: String =
        route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("{operation:?}_{}{path}", route.method)
}

fn parameters(operation: Operation, route: &Route) -> Value {
    let names = route.path.split('/').filter_map(|segment| segment.strip_prefix('{'));
    let names = names.filter_map(|segment| segment.strip_suffix('}'));
    let mut parameters: Vec<Value> = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": path_schema(name) }))
        .collect();
    if is_in_query(route) && operation != Operation::Health {
        let versions: Vec<&str> = ApiVersion::IN_QUERY
            .into_iter()
            .filter(|version| operation.route(*version).is_some())
            .map(ApiVersion::as_str)
            .collect();
        parameters.push(json!({
            "name": "api-version", "in": "query", "required": true,
            "schema": { "type": "string", "enum": versions },
        }));
    }
    parameters.extend(operation.query().iter().map(|name| {
        json!({ "name": name, "in": "query", "required": false, "schema": query_schema(name) })
    }));
    Value::Array(parameters)
}

fn path_schema(name: &str) -> Value {
    match name {
        "hub" => hub_schema(),
        "streamId" => {
            json!({ "type": "string", "minLength": 1, "maxLength": 100, "pattern": "\\S" })
        }
        "group" => json!({ "type": "string", "minLength": 1, "maxLength": 1024, "pattern": "\\S" }),
        "user" => json!({ "type": "string", "minLength": 1, "maxLength": 1024 }),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

fn hub_schema() -> Value {
    json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_`,.[\\]]{0,127}$" })
}

fn query_schema(name: &str) -> Value {
    match name {
        "application" => hub_schema(),
        "excluded" => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        "ttl" => json!({ "type": "integer", "minimum": 0 }),
        "maxpagesize" => json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 200 }),
        "top" => json!({ "type": "integer", "minimum": 1 }),
        "minutesToExpire" => json!({ "type": "integer", "minimum": 1, "default": 60 }),
        "completed" => json!({ "type": "boolean", "default": false }),
        _ => json!({ "type": "string" }),
    }
}

fn body(operation: Operation) -> Option<Value> {
    let message = json!({ "$ref": "#/components/schemas/PayloadMessage" });
    let (json, is_send) = match operation {
        Operation::Broadcast
        | Operation::SendToUser
        | Operation::SendToUsers
        | Operation::SendToGroup
        | Operation::SendToGroups
        | Operation::SendToConnection
        | Operation::InvokeConnection => (message, true),
        Operation::SendStreamItem => (json!({ "description": "The item, whatever it is." }), true),
        Operation::RefreshAuth | Operation::GetConnectionClaims => {
            let name = if operation == Operation::RefreshAuth {
                "RefreshAuthRequest"
            } else {
                "ConnectionClaimsRequest"
            };
            (json!({ "$ref": format!("#/components/schemas/{name}") }), false)
        }
        Operation::Execute => {
            let command = json!({ "$ref": "#/components/schemas/SignalRCommand" });
            (json!({ "type": "array", "items": command }), false)
        }
        _ => return None,
    };
    let mut content = json!({ "application/json": { "schema": json } });
    if is_send {
        for (content_type, _) in Format::CONTENT_TYPES.into_iter().skip(1) {
            content[content_type] = json!({ "schema": { "type": "string", "format": "binary" } });
        }
    }
    Some(json!({ "required": true, "content": content }))
}

fn success(operation: Operation, route: &Route) -> Value {
    let schema = match operation {
        Operation::ListGroupConnections => "GroupMemberPagedValues",
        Operation::InvokeConnection => "ClientInvocationResponse",
        Operation::RefreshAuth | Operation::GetConnectionClaims => "ConnectionClaimsResponse",
        Operation::GenerateToken => "ClientTokenResponse",
        Operation::AccessKey => "AccessKeyResponse",
        Operation::Health => return json!({ "description": "Success" }),
        _ if is_in_query(route) && route.status != 204 => "ServiceResponse",
        _ => return json!({ "description": "Success" }),
    };
    if route.method == Method::HEAD {
        return json!({ "description": "Success" });
    }
    let schema = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "description": "Success", "content": { "application/json": { "schema": schema } } })
}

fn error() -> Value {
    json!({
        "description": "The call was refused",
        "headers": { "x-ms-error-code": { "schema": { "type": "string" } } },
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/ErrorDetail" },
        }},
    })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let message = json!({ "$ref": "#/components/schemas/PayloadMessage" });
    let group = path_schema("group");
    let command = |name: &str, required: &[&str], fields: Value| {
        let mut properties = fields;
        properties["type"] = json!({ "type": "string", "enum": [name] });
        json!({ "type": "object", "required": required, "properties": properties })
    };
    json!({
        "PayloadMessage": {
            "type": "object",
            "required": ["target"],
            "properties": {
                "target": { "type": "string", "minLength": 1 },
                "arguments": { "type": "array", "items": {}, "nullable": true },
            },
        },
        "SignalRCommand": { "oneOf": [
            command("SendMessage", &["type", "message"], json!({ "message": message })),
            command("JoinGroup", &["type", "group"], json!({ "group": group })),
            command("LeaveGroup", &["type", "group"], json!({ "group": group })),
            command("CloseConnection", &["type"], json!({ "reason": { "type": "string", "nullable": true } })),
        ]},
        "ServiceResponse": { "type": "object", "properties": {
            "statusCode": { "type": "integer" },
            "code": text,
            "level": { "type": "string", "enum": ["Info", "Warning", "Error"] },
            "scope": { "type": "string", "enum": ["Unknown", "Request", "Connection", "User", "Group"] },
            "errorKind": { "type": "string", "enum": ["Unknown", "NotExisted", "NotInGroup", "Invalid"] },
            "message": text,
            "jsonObject": {},
            "isSuccess": { "type": "boolean" },
        }},
        "ErrorDetail": { "type": "object", "properties": {
            "code": text,
            "message": text,
            "target": text,
            "details": { "type": "array", "items": { "$ref": "#/components/schemas/ErrorDetail" } },
            "inner": { "type": "object" },
        }},
        "GroupMemberPagedValues": { "type": "object", "properties": {
            "value": { "type": "array", "items": {
                "type": "object",
                "required": ["connectionId"],
                "properties": { "connectionId": text, "userId": text },
            }},
            "nextLink": { "type": "string", "format": "uri" },
        }},
        "ClientInvocationResponse": { "type": "object", "properties": {
            "result": {},
            "protocol": text,
        }},
        "Claim": {
            "type": "object",
            "required": ["type", "value"],
            "properties": { "type": { "type": "string", "minLength": 1 }, "value": text },
        },
        "RefreshAuthRequest": {
            "type": "object",
            "required": ["connectionToken"],
            "properties": {
                "connectionToken": { "type": "string", "minLength": 1 },
                "expireTime": { "type": "string", "format": "date-time", "nullable": true },
                "claims": {
                    "type": "array", "nullable": true,
                    "items": { "$ref": "#/components/schemas/Claim" },
                },
            },
        },
        "ConnectionClaimsRequest": {
            "type": "object",
            "required": ["connectionToken"],
            "properties": { "connectionToken": { "type": "string", "minLength": 1 } },
        },
        "ConnectionClaimsResponse": {
            "type": "object",
            "required": ["claims"],
            "properties": {
                "claims": { "type": "array", "items": { "$ref": "#/components/schemas/Claim" } },
            },
        },
        "ClientTokenResponse": { "type": "object", "properties": { "token": text } },
        "AccessKeyResponse": {
            "type": "object",
            "required": ["AccessKey", "KeyId"],
            "properties": { "AccessKey": text, "KeyId": text },
        },
    })
}
