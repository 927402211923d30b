// The functions on Azure Functions, as a custom handler on a consumption plan.
//
//   az deployment group create -g GROUP -f packaging/bicep/function-app.bicep -p name=NAME connectionString=…
//   az functionapp deployment source config-zip -g GROUP -n NAME --src target/function-app.zip

@description('Name of the function app and of its resources')
param name string
param location string = resourceGroup().location

@description('Connection string of the service')
@secure()
param connectionString string

@description('The hub of calls that name no hub')
param hub string = 'chat'

@description('The origins whose pages may negotiate from a browser, separated by commas')
param allowedOrigins string = ''

var storageName = take('${toLower(replace(name, '-', ''))}${uniqueString(resourceGroup().id)}', 24)

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: storageName
  location: location
  sku: { name: 'Standard_LRS' }
  kind: 'StorageV2'
  properties: {
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource plan 'Microsoft.Web/serverfarms@2023-12-01' = {
  name: name
  location: location
  sku: { name: 'Y1', tier: 'Dynamic' }
  kind: 'linux'
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2023-12-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    siteConfig: {
      ftpsState: 'Disabled'
      minTlsVersion: '1.2'
      appSettings: [
        {
          name: 'AzureWebJobsStorage'
          value: 'DefaultEndpointsProtocol=https;AccountName=${storage.name};AccountKey=${storage.listKeys().keys[0].value};EndpointSuffix=${environment().suffixes.storage}'
        }
        { name: 'FUNCTIONS_EXTENSION_VERSION', value: '~4' }
        { name: 'FUNCTIONS_WORKER_RUNTIME', value: 'custom' }
        { name: 'FUNCTION_AUTH', value: 'platform' }
        { name: 'AzureSignalRConnectionString', value: connectionString }
        { name: 'SIGNALR_HUB', value: hub }
        { name: 'ALLOWED_ORIGINS', value: allowedOrigins }
      ]
    }
  }
}

@description('The URL for withUrl of clients; add the name of the hub if it is not the default')
output url string = 'https://${app.properties.defaultHostName}/api'
@description('The identity of the app. Instead of a connection string, give it a role on the service')
output principalId string = app.identity.principalId
