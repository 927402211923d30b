variable "name" {
  description = "Prefix of the names of all resources"
  type        = string
  default     = "signalr"
}

variable "packages" {
  description = "Folder with negotiate.zip, broadcast.zip and group-admin.zip, as `make lambda-packages` writes them to target/packages"
  type        = string
}

variable "architecture" {
  description = "The processor architecture that the functions are built for"
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }
}

variable "connection_string" {
  description = "Connection string of the service"
  type        = string
  sensitive   = true
}

variable "function_key" {
  description = "The key that callers of broadcast and group-admin send as x-functions-key or ?code="
  type        = string
  sensitive   = true
  validation {
    condition     = length(var.function_key) >= 16
    error_message = "A function key has at least 16 characters, such as the output of `openssl rand -base64 32`."
  }
}

variable "hub" {
  description = "The hub of calls that name no hub"
  type        = string
  default     = "chat"
}

variable "hubs" {
  description = "The hubs that are served, including `hub`; if empty, only `hub` is served"
  type        = list(string)
  default     = []
}

variable "allowed_origins" {
  description = "The origins whose pages may negotiate from a browser"
  type        = list(string)
  default     = []
}

variable "jwt" {
  description = "The issuer and the audience of the tokens that negotiate requires; if it is null, everyone may connect, without a user id"
  type = object({
    issuer   = string
    audience = list(string)
  })
  default = null
}

variable "log_retention_days" {
  description = "How many days logs are kept"
  type        = number
  default     = 30
}
