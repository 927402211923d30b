# The functions negotiate, broadcast and group-admin on AWS Lambda behind an HTTP API.
# It does what template.yaml does, without its triggers.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

locals {
  settings = {
    AzureSignalRConnectionString = var.connection_string
    SIGNALR_HUB                  = var.hub
    SIGNALR_HUBS                 = join(",", var.hubs)
    ALLOWED_ORIGINS              = join(",", var.allowed_origins)
  }
  functions = {
    negotiate = {
      NEGOTIATE_IDENTITY = var.jwt == null ? "anonymous" : "authorizer"
    }
    broadcast   = { FUNCTION_KEY = var.function_key }
    group-admin = { FUNCTION_KEY = var.function_key }
  }
  # Each function has two paths: its own, and the same after the name of a hub. Browsers send OPTIONS before they negotiate.
  routes = merge([
    for name in keys(local.functions) : merge([
      for path in ["/${name}", "/{hub}/${name}"] : {
        for method in(name == "negotiate" ? ["POST", "OPTIONS"] : ["POST"]) :
        "${method} ${path}" => { function = name, checked = name == "negotiate" && method == "POST" && var.jwt != null }
      }
    ]...)
  ]...)
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "function" {
  for_each           = local.functions
  name               = "${var.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  for_each   = local.functions
  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_cloudwatch_log_group" "function" {
  for_each          = local.functions
  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "function" {
  for_each         = local.functions
  function_name    = "${var.name}-${each.key}"
  role             = aws_iam_role.function[each.key].arn
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = "${var.packages}/${each.key}.zip"
  source_code_hash = filebase64sha256("${var.packages}/${each.key}.zip")
  memory_size      = 128
  timeout          = 29
  environment {
    variables = merge(local.settings, each.value)
  }
  depends_on = [aws_cloudwatch_log_group.function]
}

resource "aws_apigatewayv2_api" "api" {
  name          = var.name
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_authorizer" "users" {
  count            = var.jwt == null ? 0 : 1
  api_id           = aws_apigatewayv2_api.api.id
  name             = "users"
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]
  jwt_configuration {
    issuer   = var.jwt.issuer
    audience = var.jwt.audience
  }
}

resource "aws_apigatewayv2_integration" "function" {
  for_each               = local.functions
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.function[each.key].invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "route" {
  for_each           = local.routes
  api_id             = aws_apigatewayv2_api.api.id
  route_key          = each.key
  target             = "integrations/${aws_apigatewayv2_integration.function[each.value.function].id}"
  authorization_type = each.value.checked ? "JWT" : "NONE"
  authorizer_id      = each.value.checked ? aws_apigatewayv2_authorizer.users[0].id : null
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_lambda_permission" "api" {
  for_each      = local.functions
  function_name = aws_lambda_function.function[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*"
}

output "url" {
  description = "The URL for withUrl of clients; add the hub's name if it is not the default"
  value       = aws_apigatewayv2_api.api.api_endpoint
}
