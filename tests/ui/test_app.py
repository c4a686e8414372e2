from mnist_cnn import classifier
from mnist_cnn.models import MODELS
from mnist_cnn.ui.app import build_demo


def test_pretrained_models_have_predicted_before_the_page_is_served(monkeypatch):
    predict_image, calls = classifier.Classifier.predict_image, []

    def noted(self, *args):
        calls.append(self.name)
        return predict_image(self, *args)

    monkeypatch.setattr(classifier.Classifier, "predict_image", noted)
    build_demo()
    assert set(calls) == set(MODELS)
