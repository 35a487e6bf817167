"""Networks that turn pictures into features, for distances such as FID: each with its exact name.

    from progan.extractors.names import lookup

    extractor = lookup("effnet-lite0")
    extractor.features(images)  # uint8 n c h w  ->  float32 n d
    extractor.record()          # name, hash of the weights, resize: stands beside every number

inception-2015-12-05:tf-bilinear     FID's own network, pictures enlarged as by torch-fidelity
inception-2015-12-05:torch-bilinear  the same network, pictures enlarged as by pytorch-fid
effnet-lite0                         EfficientNet-Lite0, whose weights come with a Python package
trained:HASH                         a classifier trained here: progan metrics train-extractor

Numbers of different extractors are not comparable: their names tell them apart.
"""
