// Generated from crds/*.yaml by `npm run generate`. Do not edit.

/** `openAPIV3Schema` of each kind, without descriptions. */
export const SCHEMAS = {
  Cluster: {
    "type": "object",
    "required": [
      "spec"
    ],
    "properties": {
      "apiVersion": {
        "type": "string"
      },
      "kind": {
        "type": "string"
      },
      "metadata": {
        "type": "object"
      },
      "spec": {
        "type": "object",
        "required": [
          "type",
          "url"
        ],
        "x-kubernetes-validations": [
          {
            "rule": "self.url.startsWith('http://') || self.url.startsWith('https://')",
            "message": "must start with http:// or https://",
            "fieldPath": ".url"
          },
          {
            "rule": "!self.url.matches('^[a-z]+://[^/?#]*@')",
            "message": "must not carry a user or password; name a Secret in credentialsSecretRef",
            "fieldPath": ".url"
          },
          {
            "rule": "!self.url.matches('[?#]')",
            "message": "must have neither query nor fragment",
            "fieldPath": ".url"
          },
          {
            "rule": "!self.url.matches('^https?://') || self.url.matches('^[a-z]+://[^/?#]*@') || self.url.matches('[?#]') || self.url.matches('^https?://([a-zA-Z0-9_]([a-zA-Z0-9._-]*[a-zA-Z0-9])?|\\\\[[0-9a-fA-F:.]+\\\\])(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9][0-9][0-9]|[1-5][0-9][0-9][0-9][0-9]|[1-9][0-9]?[0-9]?[0-9]?))?(/[^\\\\x00-\\\\x20]*)?$')",
            "message": "must name a host, with a port from 1 to 65535 if any, and hold no spaces",
            "fieldPath": ".url"
          },
          {
            "rule": "[has(self.certificate), has(self.caSecretRef), has(self.caConfigMapRef)].filter(x, x).size() <= 1",
            "message": "at most one of certificate, caSecretRef and caConfigMapRef may be given"
          },
          {
            "rule": "!self.url.startsWith('http://') || !(has(self.caSecretRef) || has(self.caConfigMapRef) || has(self.clientCertificateSecretRef))",
            "message": "caSecretRef, caConfigMapRef and clientCertificateSecretRef need an https:// url",
            "fieldPath": ".url"
          },
          {
            "rule": "!has(self.proxyUrl) || self.proxyUrl.matches('^https?://([a-zA-Z0-9_]([a-zA-Z0-9._-]*[a-zA-Z0-9])?|\\\\[[0-9a-fA-F:.]+\\\\])(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9][0-9][0-9]|[1-5][0-9][0-9][0-9][0-9]|[1-9][0-9]?[0-9]?[0-9]?))?/?$')",
            "message": "must be http:// or https://, a host and perhaps a port, without credentials, path or query",
            "fieldPath": ".proxyUrl"
          },
          {
            "rule": "!self.probeInterval.matches('^([0-9]{1,5}(h|m|s))+$') || (duration(self.probeInterval) >= duration('1s') && duration(self.probeInterval) <= duration('24h'))",
            "message": "must be from 1s to 24h",
            "fieldPath": ".probeInterval"
          }
        ],
        "properties": {
          "name": {
            "type": "string",
            "minLength": 2,
            "maxLength": 256
          },
          "type": {
            "type": "string",
            "enum": [
              "CENTER",
              "EDGE",
              "STANDALONE",
              "REMOTE"
            ]
          },
          "protocol": {
            "type": "string",
            "enum": [
              "bkrepo"
            ],
            "default": "bkrepo"
          },
          "url": {
            "type": "string",
            "maxLength": 2048
          },
          "credentialsSecretRef": {
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              }
            }
          },
          "certificate": {
            "type": "string",
            "maxLength": 65536,
            "pattern": "-----BEGIN CERTIFICATE-----"
          },
          "caSecretRef": {
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              },
              "key": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[-._a-zA-Z0-9]+$",
                "default": "ca.crt"
              }
            }
          },
          "caConfigMapRef": {
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              },
              "key": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[-._a-zA-Z0-9]+$",
                "default": "ca.crt"
              }
            }
          },
          "clientCertificateSecretRef": {
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "type": "string",
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              }
            }
          },
          "proxyUrl": {
            "type": "string",
            "maxLength": 2048
          },
          "limits": {
            "type": "object",
            "default": {},
            "properties": {
              "bandwidth": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 9007199254740991,
                "default": 0
              },
              "concurrency": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": 256,
                "default": 8
              }
            }
          },
          "uploadVerification": {
            "type": "string",
            "enum": [
              "auto",
              "always",
              "never"
            ],
            "default": "auto"
          },
          "timeZone": {
            "type": "string",
            "maxLength": 64,
            "pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
          },
          "probeInterval": {
            "type": "string",
            "maxLength": 32,
            "pattern": "^([0-9]{1,5}(h|m|s))+$",
            "default": "60s"
          }
        }
      },
      "status": {
        "type": "object",
        "default": {
          "observedGeneration": -1
        },
        "properties": {
          "id": {
            "type": "string",
            "maxLength": 64
          },
          "conditions": {
            "type": "array",
            "maxItems": 16,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "type"
            ],
            "items": {
              "type": "object",
              "required": [
                "type",
                "status",
                "lastTransitionTime",
                "reason",
                "message"
              ],
              "properties": {
                "type": {
                  "type": "string",
                  "maxLength": 316,
                  "pattern": "^[A-Za-z][A-Za-z0-9]*$"
                },
                "status": {
                  "type": "string",
                  "enum": [
                    "True",
                    "False",
                    "Unknown"
                  ]
                },
                "observedGeneration": {
                  "type": "integer",
                  "format": "int64"
                },
                "lastTransitionTime": {
                  "type": "string",
                  "format": "date-time"
                },
                "reason": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 1024,
                  "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {
                  "type": "string",
                  "maxLength": 32768
                }
              }
            }
          },
          "health": {
            "type": "string",
            "enum": [
              "HEALTHY",
              "UNHEALTHY"
            ]
          },
          "errorReason": {
            "type": "string",
            "maxLength": 4096
          },
          "version": {
            "type": "string",
            "maxLength": 256
          },
          "latency": {
            "type": "integer",
            "format": "int64"
          },
          "lastProbeTime": {
            "type": "string",
            "format": "date-time"
          },
          "servedBy": {
            "type": "string",
            "maxLength": 253
          },
          "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "default": -1
          }
        }
      }
    }
  },
  ReplicaTask: {
    "type": "object",
    "required": [
      "spec"
    ],
    "properties": {
      "apiVersion": {
        "type": "string"
      },
      "kind": {
        "type": "string"
      },
      "metadata": {
        "type": "object"
      },
      "spec": {
        "type": "object",
        "required": [
          "localProjectId",
          "replicaTaskObjects",
          "remoteClusterIds"
        ],
        "x-kubernetes-validations": [
          {
            "rule": "!has(self.replicaObjectType) || self.replicaObjectType != 'REPOSITORY' || self.replicaTaskObjects.all(o, (!has(o.packageConstraints) || o.packageConstraints.size() == 0) && (!has(o.pathConstraints) || o.pathConstraints.size() == 0))",
            "message": "objects of replicaObjectType REPOSITORY have neither packageConstraints nor pathConstraints",
            "fieldPath": ".replicaTaskObjects"
          },
          {
            "rule": "!has(self.replicaObjectType) || self.replicaObjectType != 'PACKAGE' || self.replicaTaskObjects.all(o, has(o.packageConstraints) && o.packageConstraints.size() > 0)",
            "message": "every object of replicaObjectType PACKAGE needs packageConstraints",
            "fieldPath": ".replicaTaskObjects"
          },
          {
            "rule": "!has(self.replicaObjectType) || self.replicaObjectType != 'PATH' || self.replicaTaskObjects.all(o, has(o.pathConstraints) && o.pathConstraints.size() > 0)",
            "message": "every object of replicaObjectType PATH needs pathConstraints",
            "fieldPath": ".replicaTaskObjects"
          },
          {
            "rule": "self.replicaType != 'REAL_TIME' || !has(self.setting.executionPlan) || (!has(self.setting.executionPlan.executeTime) && !has(self.setting.executionPlan.cronExpression))",
            "message": "a REAL_TIME task has neither executeTime nor cronExpression",
            "fieldPath": ".setting.executionPlan"
          }
        ],
        "properties": {
          "name": {
            "type": "string",
            "minLength": 2,
            "maxLength": 256
          },
          "localProjectId": {
            "type": "string",
            "minLength": 2,
            "maxLength": 128,
            "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*([.][a-zA-Z_][a-zA-Z0-9_-]*)?$"
          },
          "replicaObjectType": {
            "type": "string",
            "enum": [
              "REPOSITORY",
              "PACKAGE",
              "PATH"
            ]
          },
          "replicaTaskObjects": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "x-kubernetes-list-type": "atomic",
            "items": {
              "type": "object",
              "required": [
                "localRepoName",
                "repoType"
              ],
              "x-kubernetes-validations": [
                {
                  "rule": "!(has(self.packageConstraints) && self.packageConstraints.size() > 0 && has(self.pathConstraints) && self.pathConstraints.size() > 0)",
                  "message": "packageConstraints and pathConstraints exclude each other"
                }
              ],
              "properties": {
                "localRepoName": {
                  "type": "string",
                  "minLength": 2,
                  "maxLength": 64,
                  "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*$"
                },
                "remoteProjectId": {
                  "type": "string",
                  "minLength": 2,
                  "maxLength": 128,
                  "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*([.][a-zA-Z_][a-zA-Z0-9_-]*)?$"
                },
                "remoteRepoName": {
                  "type": "string",
                  "minLength": 2,
                  "maxLength": 64,
                  "pattern": "^[a-zA-Z_][a-zA-Z0-9_-]*$"
                },
                "repoType": {
                  "type": "string",
                  "enum": [
                    "GENERIC",
                    "DOCKER",
                    "MAVEN",
                    "PYPI",
                    "NPM",
                    "HELM",
                    "COMPOSER",
                    "RPM",
                    "NUGET",
                    "GIT",
                    "RDS",
                    "OCI",
                    "CONAN",
                    "LFS",
                    "DDC",
                    "SVN",
                    "S3",
                    "MEDIA",
                    "OHPM",
                    "CARGO",
                    "HUGGINGFACE",
                    "DRIVE",
                    "SKILL"
                  ]
                },
                "packageConstraints": {
                  "type": "array",
                  "maxItems": 256,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "packageKey"
                    ],
                    "properties": {
                      "packageKey": {
                        "type": "string",
                        "maxLength": 512,
                        "pattern": "[^\\t\\n\\f\\r ]"
                      },
                      "versions": {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 256,
                        "x-kubernetes-list-type": "atomic",
                        "items": {
                          "type": "string",
                          "maxLength": 256,
                          "pattern": "[^\\t\\n\\f\\r ]"
                        }
                      }
                    }
                  }
                },
                "pathConstraints": {
                  "type": "array",
                  "maxItems": 256,
                  "x-kubernetes-list-type": "atomic",
                  "items": {
                    "type": "object",
                    "required": [
                      "path"
                    ],
                    "properties": {
                      "path": {
                        "type": "string",
                        "maxLength": 2048,
                        "pattern": "^/(([^/*.\\x00-\\x1f][^/*\\x00-\\x1f]*|[.][^/*.\\x00-\\x1f][^/*\\x00-\\x1f]*|[.][.][^/*\\x00-\\x1f]+)/)*([^/*.\\x00-\\x1f][^/*\\x00-\\x1f]*|[.][^/*.\\x00-\\x1f][^/*\\x00-\\x1f]*|[.][.][^/*\\x00-\\x1f]+|[^/\\x00-\\x1f]*[*][^/\\x00-\\x1f]*)?$"
                      }
                    }
                  }
                }
              }
            }
          },
          "replicaType": {
            "type": "string",
            "enum": [
              "SCHEDULED",
              "REAL_TIME"
            ],
            "default": "SCHEDULED"
          },
          "setting": {
            "type": "object",
            "default": {},
            "x-kubernetes-validations": [
              {
                "rule": "!has(self.executionStrategy) || self.executionStrategy != 'IMMEDIATELY' || !has(self.executionPlan) || (!has(self.executionPlan.executeTime) && !has(self.executionPlan.cronExpression) && (!has(self.executionPlan.executeImmediately) || self.executionPlan.executeImmediately))",
                "message": "executionStrategy IMMEDIATELY goes with neither executeTime nor cronExpression nor executeImmediately false",
                "fieldPath": ".executionStrategy"
              },
              {
                "rule": "!has(self.executionStrategy) || self.executionStrategy != 'SPECIFIED_TIME' || (has(self.executionPlan) && has(self.executionPlan.executeTime))",
                "message": "executionStrategy SPECIFIED_TIME needs executionPlan.executeTime",
                "fieldPath": ".executionStrategy"
              },
              {
                "rule": "!has(self.executionStrategy) || self.executionStrategy != 'CRON_EXPRESSION' || (has(self.executionPlan) && has(self.executionPlan.cronExpression))",
                "message": "executionStrategy CRON_EXPRESSION needs executionPlan.cronExpression",
                "fieldPath": ".executionStrategy"
              },
              {
                "rule": "!has(self.verifyInterval) || !self.verifyInterval.matches('^([0-9]{1,5}(h|m|s))+$') || duration(self.verifyInterval) >= duration('1s')",
                "message": "must be at least 1s",
                "fieldPath": ".verifyInterval"
              },
              {
                "rule": "!has(self.resyncInterval) || !self.resyncInterval.matches('^([0-9]{1,5}(h|m|s))+$') || duration(self.resyncInterval) >= duration('10s')",
                "message": "must be at least 10s",
                "fieldPath": ".resyncInterval"
              },
              {
                "rule": "!has(self.maxLag) || !self.maxLag.matches('^([0-9]{1,5}(h|m|s))+$') || duration(self.maxLag) >= duration('1s')",
                "message": "must be at least 1s",
                "fieldPath": ".maxLag"
              }
            ],
            "properties": {
              "rateLimit": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 9007199254740991,
                "default": 0
              },
              "includeMetadata": {
                "type": "boolean",
                "default": true
              },
              "conflictStrategy": {
                "type": "string",
                "enum": [
                  "SKIP",
                  "OVERWRITE",
                  "FAST_FAIL"
                ],
                "default": "SKIP"
              },
              "errorStrategy": {
                "type": "string",
                "enum": [
                  "CONTINUE",
                  "FAST_FAIL"
                ],
                "default": "CONTINUE"
              },
              "executionStrategy": {
                "type": "string",
                "enum": [
                  "IMMEDIATELY",
                  "SPECIFIED_TIME",
                  "CRON_EXPRESSION"
                ]
              },
              "executionPlan": {
                "type": "object",
                "x-kubernetes-validations": [
                  {
                    "rule": "!(has(self.executeTime) && has(self.cronExpression))",
                    "message": "executeTime and cronExpression exclude each other"
                  },
                  {
                    "rule": "!(has(self.executeTime) && has(self.executeImmediately) && self.executeImmediately)",
                    "message": "executeTime excludes executeImmediately true"
                  },
                  {
                    "rule": "!has(self.startingDeadlineSeconds) || has(self.executeTime) || has(self.cronExpression)",
                    "message": "startingDeadlineSeconds needs executeTime or cronExpression"
                  }
                ],
                "properties": {
                  "executeImmediately": {
                    "type": "boolean"
                  },
                  "executeTime": {
                    "type": "string",
                    "maxLength": 35,
                    "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?$"
                  },
                  "cronExpression": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 256
                  },
                  "timeZone": {
                    "type": "string",
                    "maxLength": 64,
                    "pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
                  },
                  "startingDeadlineSeconds": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 10,
                    "maximum": 31536000
                  }
                }
              },
              "storageConsistencyCheck": {
                "type": "boolean",
                "default": false
              },
              "automaticCreateRemoteRepo": {
                "type": "boolean",
                "default": true
              },
              "recordUnchanged": {
                "type": "boolean",
                "default": false
              },
              "adoptExisting": {
                "type": "boolean",
                "default": false
              },
              "verifyInterval": {
                "type": "string",
                "maxLength": 32,
                "pattern": "^([0-9]{1,5}(h|m|s))+$"
              },
              "feed": {
                "type": "string",
                "enum": [
                  "auto",
                  "oplog",
                  "eventlog",
                  "changeStream"
                ]
              },
              "resyncInterval": {
                "type": "string",
                "maxLength": 32,
                "pattern": "^([0-9]{1,5}(h|m|s))+$"
              },
              "maxLag": {
                "type": "string",
                "maxLength": 32,
                "pattern": "^([0-9]{1,5}(h|m|s))+$"
              },
              "deleteProtection": {
                "type": "object",
                "properties": {
                  "percent": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                    "maximum": 100
                  },
                  "files": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                    "maximum": 1000000000
                  }
                }
              }
            }
          },
          "remoteClusterIds": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "x-kubernetes-list-type": "set",
            "items": {
              "type": "string",
              "maxLength": 253,
              "pattern": "^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
            }
          },
          "enabled": {
            "type": "boolean",
            "default": true
          },
          "description": {
            "type": "string",
            "maxLength": 2048
          },
          "record": {
            "type": "boolean",
            "default": true
          },
          "recordReserveDays": {
            "type": "integer",
            "format": "int64",
            "minimum": 1,
            "maximum": 60,
            "default": 30
          }
        }
      },
      "status": {
        "type": "object",
        "default": {
          "observedGeneration": -1
        },
        "properties": {
          "key": {
            "type": "string",
            "maxLength": 64
          },
          "conditions": {
            "type": "array",
            "maxItems": 16,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "type"
            ],
            "items": {
              "type": "object",
              "required": [
                "type",
                "status",
                "lastTransitionTime",
                "reason",
                "message"
              ],
              "properties": {
                "type": {
                  "type": "string",
                  "maxLength": 316,
                  "pattern": "^[A-Za-z][A-Za-z0-9]*$"
                },
                "status": {
                  "type": "string",
                  "enum": [
                    "True",
                    "False",
                    "Unknown"
                  ]
                },
                "observedGeneration": {
                  "type": "integer",
                  "format": "int64"
                },
                "lastTransitionTime": {
                  "type": "string",
                  "format": "date-time"
                },
                "reason": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 1024,
                  "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {
                  "type": "string",
                  "maxLength": 32768
                }
              }
            }
          },
          "schedule": {
            "type": "string",
            "maxLength": 512
          },
          "lastExecutionStatus": {
            "type": "string",
            "enum": [
              "RUNNING",
              "SUCCESS",
              "FAILED",
              "ABORTED"
            ]
          },
          "lastExecutionTime": {
            "type": "string",
            "format": "date-time"
          },
          "nextExecutionTime": {
            "type": "string",
            "format": "date-time"
          },
          "executionTimes": {
            "type": "integer",
            "format": "int64"
          },
          "scheduledSince": {
            "type": "string",
            "format": "date-time"
          },
          "lastScheduleTime": {
            "type": "string",
            "format": "date-time"
          },
          "skippedRuns": {
            "type": "integer",
            "format": "int64"
          },
          "missedRuns": {
            "type": "integer",
            "format": "int64"
          },
          "suspendedSince": {
            "type": "string",
            "format": "date-time"
          },
          "activeRun": {
            "type": "object",
            "required": [
              "recordId",
              "startTime"
            ],
            "properties": {
              "recordId": {
                "type": "string",
                "maxLength": 64
              },
              "startTime": {
                "type": "string",
                "format": "date-time"
              },
              "trigger": {
                "type": "string",
                "maxLength": 64
              },
              "generation": {
                "type": "integer",
                "format": "int64"
              },
              "retryOf": {
                "type": "string",
                "maxLength": 64
              }
            }
          },
          "progress": {
            "type": "object",
            "properties": {
              "total": {
                "type": "integer",
                "format": "int64"
              },
              "done": {
                "type": "integer",
                "format": "int64"
              },
              "success": {
                "type": "integer",
                "format": "int64"
              },
              "unchanged": {
                "type": "integer",
                "format": "int64"
              },
              "conflict": {
                "type": "integer",
                "format": "int64"
              },
              "failed": {
                "type": "integer",
                "format": "int64"
              },
              "quarantined": {
                "type": "integer",
                "format": "int64"
              },
              "notTried": {
                "type": "integer",
                "format": "int64"
              },
              "totalBytes": {
                "type": "integer",
                "format": "int64"
              },
              "sentBytes": {
                "type": "integer",
                "format": "int64"
              },
              "bytesPerSecond": {
                "type": "integer",
                "format": "int64"
              },
              "summary": {
                "type": "string",
                "maxLength": 128
              },
              "remainingSeconds": {
                "type": "integer",
                "format": "int64"
              }
            }
          },
          "feed": {
            "type": "object",
            "required": [
              "kind"
            ],
            "properties": {
              "kind": {
                "type": "string",
                "enum": [
                  "oplog",
                  "eventlog",
                  "changeStream"
                ]
              },
              "name": {
                "type": "string",
                "maxLength": 256
              },
              "reason": {
                "type": "string",
                "maxLength": 1024
              },
              "lastChange": {
                "type": "string",
                "format": "date-time"
              },
              "unknown": {
                "type": "integer",
                "format": "int64"
              }
            }
          },
          "lag": {
            "type": "string",
            "maxLength": 64
          },
          "remoteClusters": {
            "type": "array",
            "maxItems": 64,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "name"
            ],
            "items": {
              "type": "object",
              "required": [
                "name"
              ],
              "properties": {
                "name": {
                  "type": "string",
                  "maxLength": 253
                },
                "id": {
                  "type": "string",
                  "maxLength": 64
                },
                "recordId": {
                  "type": "string",
                  "maxLength": 64
                },
                "lastResult": {
                  "type": "string",
                  "enum": [
                    "RUNNING",
                    "SUCCESS",
                    "FAILED",
                    "ABORTED"
                  ]
                },
                "lastSuccess": {
                  "type": "string",
                  "format": "date-time"
                },
                "lag": {
                  "type": "integer",
                  "format": "int64"
                },
                "pending": {
                  "type": "integer",
                  "format": "int64"
                },
                "retrying": {
                  "type": "integer",
                  "format": "int64"
                },
                "comparedAt": {
                  "type": "string",
                  "format": "date-time"
                },
                "reason": {
                  "type": "string",
                  "maxLength": 256
                },
                "message": {
                  "type": "string",
                  "maxLength": 4096
                },
                "done": {
                  "type": "integer",
                  "format": "int64"
                },
                "success": {
                  "type": "integer",
                  "format": "int64"
                },
                "unchanged": {
                  "type": "integer",
                  "format": "int64"
                },
                "conflict": {
                  "type": "integer",
                  "format": "int64"
                },
                "failed": {
                  "type": "integer",
                  "format": "int64"
                },
                "quarantined": {
                  "type": "integer",
                  "format": "int64"
                },
                "notTried": {
                  "type": "integer",
                  "format": "int64"
                },
                "totalBytes": {
                  "type": "integer",
                  "format": "int64"
                },
                "sentBytes": {
                  "type": "integer",
                  "format": "int64"
                }
              }
            }
          },
          "history": {
            "type": "array",
            "maxItems": 10,
            "x-kubernetes-list-type": "atomic",
            "items": {
              "type": "object",
              "required": [
                "recordId",
                "startTime",
                "status"
              ],
              "properties": {
                "recordId": {
                  "type": "string",
                  "maxLength": 64
                },
                "trigger": {
                  "type": "string",
                  "maxLength": 64
                },
                "generation": {
                  "type": "integer",
                  "format": "int64"
                },
                "retryOf": {
                  "type": "string",
                  "maxLength": 64
                },
                "startTime": {
                  "type": "string",
                  "format": "date-time"
                },
                "endTime": {
                  "type": "string",
                  "format": "date-time"
                },
                "status": {
                  "type": "string",
                  "enum": [
                    "RUNNING",
                    "SUCCESS",
                    "FAILED",
                    "ABORTED"
                  ]
                },
                "reason": {
                  "type": "string",
                  "maxLength": 256
                },
                "message": {
                  "type": "string",
                  "maxLength": 4096
                },
                "success": {
                  "type": "integer",
                  "format": "int64"
                },
                "unchanged": {
                  "type": "integer",
                  "format": "int64"
                },
                "conflict": {
                  "type": "integer",
                  "format": "int64"
                },
                "failed": {
                  "type": "integer",
                  "format": "int64"
                },
                "quarantined": {
                  "type": "integer",
                  "format": "int64"
                },
                "notTried": {
                  "type": "integer",
                  "format": "int64"
                },
                "totalBytes": {
                  "type": "integer",
                  "format": "int64"
                },
                "sentBytes": {
                  "type": "integer",
                  "format": "int64"
                }
              }
            }
          },
          "lastHandledRunRequest": {
            "type": "string",
            "maxLength": 1024
          },
          "lastHandledCancelRequest": {
            "type": "string",
            "maxLength": 1024
          },
          "lastHandledRetryRequest": {
            "type": "string",
            "maxLength": 1024
          },
          "lastHandledDeletesApproval": {
            "type": "string",
            "maxLength": 1024
          },
          "servedBy": {
            "type": "string",
            "maxLength": 253
          },
          "observedGeneration": {
            "type": "integer",
            "format": "int64",
            "default": -1
          }
        }
      }
    }
  },
} as const;
