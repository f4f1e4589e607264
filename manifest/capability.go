package manifest

import "strings"

// CapabilityNamespace returns the namespace in which Windows defines a
// capability; "" is the foundation namespace. It returns false for an unknown
// capability. Device capabilities are not included.
func CapabilityNamespace(name string) (space string, ok bool) {
	space, ok = capabilities[name]
	return space, ok
}

var capabilities = capabilityTable(map[string]string{
	"": `internetClient internetClientServer privateNetworkClientServer allJoyn codeGeneration`,
	NamespaceUAP: `documentsLibrary picturesLibrary videosLibrary musicLibrary enterpriseAuthentication sharedUserCertificates
		userAccountInformation removableStorage appointments contacts phoneCall blockedChatMessages objects3D voipCall chat`,
	NamespaceUAP + "/2":  `phoneCallHistoryPublic spatialPerception`,
	NamespaceUAP + "/3":  `backgroundMediaPlayback userNotificationListener remoteSystem`,
	NamespaceUAP + "/4":  `offlineMapsManagement userDataTasks`,
	NamespaceUAP + "/6":  `graphicsCapture`,
	NamespaceUAP + "/7":  `globalMediaControl gazeInput`,
	NamespaceUAP + "/11": `graphicsCaptureProgrammatic graphicsCaptureWithoutBorder`,
	"http://schemas.microsoft.com/appx/manifest/mobile/windows10": `recordedCallsFolder`,
	"http://schemas.microsoft.com/appx/manifest/iot/windows10":    `systemManagement lowLevelDevices`,
	NamespaceRescap: `accessoryManager activity allowElevation appBroadcastServices appCaptureSettings appDiagnostics appLicensing
		audioDeviceConfiguration backgroundMediaRecording backgroundSpatialPerception backgroundVoIP broadFileSystemAccess
		cameraProcessingExtension cellularDeviceControl cellularDeviceIdentity cellularMessaging chatSystem childWebContent confirmAppClose
		cortanaPermissions cortanaSpeechAccessory customInstallActions developmentModeNetwork deviceManagementAdministrator
		deviceManagementDmAccount deviceManagementEmailAccount deviceManagementFoundation deviceManagementRegistration
		deviceManagementWapSecurityPolicies devicePortalProvider deviceUnlock dualSimTiles email emailSystem enterpriseCloudSSO
		enterpriseDataPolicy enterpriseDeviceLockdown expandedResources extendedBackgroundTaskTime extendedExecutionBackgroundAudio
		extendedExecutionCritical extendedExecutionUnconstrained firstSignInSettings gameBarServices gameList gameMonitor
		hevcPlayback inputForegroundObservation inputInjectionBrokered inputObservation inputSuppression interopServices
		localExperienceInternal localSystemServices locationHistory locationSystem modifiableApp networkConnectionManagerProvisioning
		networkDataPlanProvisioning networkDataUsageManagement networkingVpnProvider oemDeployment oemPublicDirectory oneProcessVoIP
		packageManagement packagePolicySystem packageQuery packageWriteRedirectionCompatibilityShim packagedServices phoneCallHistory
		phoneCallHistorySystem phoneLineTransportManagement previewHfp previewInkWorkspace previewPenWorkspace previewStore
		previewUiComposition protectedApp registryRead remotePassportAuthentication remoteFileAccess runFullTrust screenDuplication
		secondaryAuthenticationFactor secureAssessment shellExperience slapiQueryLicenseValue smbios smsSend startScreenManagement
		storeLicenseManagement systemAIModels targetedContent teamEditionDeviceCredential teamEditionExperience teamEditionView
		uiAccess uiAutomation unvirtualizedResources userDataAccountsProvider userDataSystem userPrincipalName userSigninSupport
		userSystemId walletSystem xboxAccessoryManagement xboxLiveAuthenticationProvider xboxGameSpeechWindow xboxTrackPlayCommands`,
})

func capabilityTable(words map[string]string) map[string]string {
	table := map[string]string{}
	for space, names := range words {
		for _, name := range strings.Fields(names) {
			table[name] = space
		}
	}
	return table
}
